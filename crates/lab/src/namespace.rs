//! A network and a mount namespace, held by an anchor process that cannot outlive us.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

use crate::error::LabError;
use crate::{tool, until};

/// The namespaces of one host, pod or switch; they go when it is closed or dropped, with all that runs in them.
pub(crate) struct Namespace {
    name: String,
    pid: u32,
    anchor: Mutex<Option<Child>>,
}

impl Namespace {
    /// New namespaces; the mount namespace starts as a copy of `parent`'s, or else of our own.
    pub(crate) fn new(name: &str, parent: Option<&Self>) -> Result<Self, LabError> {
        let own = fs::read_link(OWN).map_err(|source| LabError::File { action: "read", path: OWN.into(), source })?;
        let mut command = parent.map_or_else(|| Command::new("unshare"), Self::unshare_within);
        // Its own process group: an interrupt typed at a terminal ends us, and the closed pipe then ends the anchor.
        command.args(["--net", "--mount", "--propagation", "private", "sh", "-c", ANCHOR, "anchor"]).arg(own);
        command.env("PATH", tool::search_path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start_error = |source| LabError::Start { program: "unshare".to_owned(), source };
        let mut anchor = command.spawn().map_err(start_error)?;
        if !says_ready(&mut anchor) {
            return Err(failed(anchor));
        }
        Ok(Self { name: name.to_owned(), pid: anchor.id(), anchor: Mutex::new(Some(anchor)) })
    }

    fn unshare_within(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "unshare"]);
        command
    }

    /// The anchor's process id, for `ip link .. netns` and the like.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The /run that the parent has and this namespace has covered by its own: `anchor.sh` keeps the way to it.
    pub(crate) fn run_of_parent(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/9", self.pid))
    }

    /// `nsenter` into these namespaces, to which the program and its arguments are to be added. It executes the
    /// program in its own place: what is killed is the program.
    pub(crate) fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--net", "--mount", "--"]);
        command
    }

    /// Does `work` on a thread of its own in this network namespace. A socket made there stays there.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let enter_error = |source| LabError::Enter { host: self.name.clone(), source };
        let namespace = File::open(format!("/proc/{}/ns/net", self.pid)).map_err(enter_error)?;
        thread::scope(|scope| {
            let entered = scope.spawn(|| setns(&namespace, CloneFlags::CLONE_NEWNET).map(|()| work()));
            match entered.join() {
                Ok(done) => done.map_err(|errno| enter_error(errno.into())),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Tells the anchor to end what runs in the namespaces, and itself.
    pub(crate) fn let_go(&self) {
        if let Some(anchor) = self.anchor.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            drop(anchor.stdin.take());
        }
    }

    /// Ends what runs in the namespaces, and them. A second call does nothing.
    pub(crate) fn close(&self) {
        self.let_go();
        let Some(mut anchor) = self.anchor.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let gone = until(PATIENCE, "end of the anchor", || anchor.try_wait().ok().flatten());
        if gone.is_err() {
            // A process that even SIGKILL does not end keeps its namespace; there is nobody here to tell.
            let _ = anchor.kill();
            let _ = anchor.wait();
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.close();
    }
}

fn says_ready(anchor: &mut Child) -> bool {
    let mut line = String::new();
    let read = anchor.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    matches!(read, Some(Ok(_))) && line.trim() == "ready"
}

fn failed(mut anchor: Child) -> LabError {
    let mut stderr = String::new();
    if let Some(mut pipe) = anchor.stderr.take() {
        let _ = pipe.read_to_string(&mut stderr);
    }
    match anchor.wait() {
        Ok(status) => LabError::Failed { command: "unshare".to_owned(), status, stderr: stderr.trim().to_owned() },
        Err(source) => LabError::Start { program: "unshare".to_owned(), source },
    }
}

const ANCHOR: &str = include_str!("anchor.sh");
const OWN: &str = "/proc/self/ns/net";
const PATIENCE: Duration = Duration::from_secs(10);
