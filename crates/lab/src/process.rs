//! A program that runs in a host until it is told to end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::error::LabError;
use crate::until;

/// A running program, killed with its children when it is dropped.
pub struct Process {
    state: Mutex<State>,
    id: u32,
    described: String,
    log: Option<Log>,
}

/// The program's number, and its group's, are ours until `child` has been waited for, which only [`Process::kill`]
/// does; from then on they may be another's, and get no signal.
struct State {
    child: Child,
    reaped: Option<ExitStatus>,
}

struct Log {
    path: PathBuf,
    /// Where this process's part of the file begins: one that was restarted writes behind its predecessor.
    begin: u64,
}

impl Process {
    pub(crate) fn new(child: Child, described: String) -> Self {
        Self { id: child.id(), state: Mutex::new(State { child, reaped: None }), described, log: None }
    }

    pub(crate) fn logged(mut self, name: &str, path: PathBuf, begin: u64) -> Self {
        name.clone_into(&mut self.described);
        self.log = Some(Log { path, begin });
        self
    }

    pub(crate) fn described(&self) -> String {
        self.described.clone()
    }

    /// The program's process id. It is the program's own: what put it into its namespace was replaced by it.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Kills the program and its children at once (SIGKILL), and returns when it is gone.
    pub fn kill(&self) {
        let mut state = self.state();
        if state.reaped.is_none() {
            // It fails when all have ended already, which is as good.
            let _ = killpg(self.pid(), Signal::SIGKILL);
            state.reaped = state.child.wait().ok();
        }
    }

    /// Asks the program to end (SIGTERM); [`Process::wait`] then waits for it.
    pub fn terminate(&self) -> Result<(), LabError> {
        let state = self.state();
        if state.reaped.is_some() {
            return Ok(());
        }
        let signal_error = |errno: nix::Error| LabError::Signal { process: self.described(), source: errno.into() };
        kill(self.pid(), Signal::SIGTERM).map_err(signal_error)
    }

    /// Waits until the program has ended.
    pub fn wait(&self, deadline: Duration) -> Result<ExitStatus, LabError> {
        until(deadline, &format!("end of `{}`", self.described), || self.exit_status().ok_or("it still runs"))
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        let state = self.state();
        state.reaped.or_else(|| look_at(self.pid()))
    }

    /// What it has printed so far, on standard output and standard error.
    pub fn log(&self) -> Result<String, LabError> {
        let Some(log) = &self.log else { return Ok(String::new()) };
        let read_error = |source| LabError::File { action: "read", path: log.path.clone(), source };
        let mut file = File::open(&log.path).map_err(read_error)?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(log.begin)).and_then(|_| file.read_to_end(&mut bytes)).map_err(read_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until it has printed a whole line that contains `text`, and returns that line.
    pub fn wait_for_log(&self, text: &str, deadline: Duration) -> Result<String, LabError> {
        until(deadline, &format!("`{text}` in the log of `{}`", self.described), || self.look_into_log(text))?
    }

    /// The line, or the certainty that it will not come, or else what is there now.
    fn look_into_log(&self, text: &str) -> Result<Result<String, LabError>, String> {
        let ended = self.exit_status(); // Before the log is read, for then nothing comes after.
        let log = self.log().map_err(|error| error.to_string())?;
        let mut lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n') || ended.is_some());
        if let Some(line) = lines.find(|line| line.contains(text)) {
            return Ok(Ok(line.trim_end().to_owned()));
        }
        let (process, text) = (self.described(), text.to_owned());
        ended.map(|status| Err(LabError::EndedFirst { process, status, text, log: log.clone() })).ok_or(log)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.id.try_into().expect("Linux has process ids up to 2^22"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a child ended, without taking its number from it.
fn look_at(pid: Pid) -> Option<ExitStatus> {
    match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) {
        Ok(WaitStatus::Exited(_, code)) => Some(ExitStatus::from_raw(code << 8)), // wait(2): the second byte
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(ExitStatus::from_raw(signal as i32)),
        _ => None,
    }
}
