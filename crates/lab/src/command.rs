//! A program that is to run in a host: as whom, with what, and for how long.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::{tool, until};

/// A program to be run in a host. It starts in `/` as root, with a search path, a language and no other environment,
/// so that a proxy variable or a locale of the machine changes no test.
#[must_use]
pub struct HostCommand {
    namespace: Arc<Namespace>,
    logs: PathBuf,
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    privileges: Vec<String>,
    input: Vec<u8>,
}

/// How a program ended, and what it printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// Its standard error, likewise.
    pub stderr: String,
}

impl Output {
    /// Itself if the program succeeded, else an error with what it complained about.
    pub fn success(self, what: &str) -> Result<Self, LabError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(LabError::Failed { command: what.to_owned(), status: self.status, stderr: self.stderr.trim().to_owned() })
    }
}

impl HostCommand {
    pub(crate) fn new(namespace: Arc<Namespace>, logs: PathBuf, program: impl Into<String>) -> Self {
        let words = vec![OsString::from(program.into())];
        Self { namespace, logs, words, environment: Vec::new(), privileges: Vec::new(), input: Vec::new() }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.words.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.words.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs it as this user, who has no capabilities unless [`HostCommand::keep_capabilities`] says so.
    pub fn uid(self, uid: u32) -> Self {
        self.privilege(format!("--reuid={uid}"))
    }

    /// Runs it with this group and no supplementary ones.
    pub fn gid(self, gid: u32) -> Self {
        self.privilege(format!("--regid={gid}")).privilege("--clear-groups".to_owned())
    }

    /// Lets it keep capabilities across the change of user, e.g. `net_admin`.
    pub fn keep_capabilities(self, names: &[&str]) -> Self {
        let kept = names.iter().map(|name| format!("+{name}")).collect::<Vec<_>>().join(",");
        self.privilege(format!("--inh-caps={kept}")).privilege(format!("--ambient-caps={kept}"))
    }

    /// Takes capabilities away from it for good, root or not.
    pub fn drop_capabilities(self, names: &[&str]) -> Self {
        let dropped = names.iter().map(|name| format!("-{name}")).collect::<Vec<_>>().join(",");
        self.privilege(format!("--inh-caps={dropped}")).privilege(format!("--bounding-set={dropped}"))
    }

    /// What it is to read from its standard input, which is empty otherwise.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end; after `deadline` it is killed with all its children, which is an error.
    pub fn run(self, deadline: Duration) -> Result<Output, LabError> {
        let (stdout, stderr) = (scratch()?, scratch()?);
        let child = self.start(&stdout, &stderr)?;
        let ended = until(deadline, &child.described(), || child.exit_status());
        child.kill();
        let (stdout, stderr) = (read_all(stdout)?, read_all(stderr)?);
        match ended {
            Ok(status) => Ok(Output { status, stdout, stderr }),
            Err(_) => Err(LabError::Deadline { command: child.described(), deadline, printed: stdout + &stderr }),
        }
    }

    /// Runs it until it is told to end. What it prints is kept as `name` in the lab's logs.
    pub fn spawn(self, name: &str) -> Result<Process, LabError> {
        let path = self.logs.join(format!("{}.log", name.replace('/', "-")));
        let open_error = |source| LabError::File { action: "open", path: path.clone(), source };
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(open_error)?;
        let begin = log.metadata().map_err(open_error)?.len();
        let process = self.start(&log, &log)?;
        Ok(process.logged(name, path, begin))
    }

    fn start(self, stdout: &File, stderr: &File) -> Result<Process, LabError> {
        let described = self.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let start_error = |source| LabError::Start { program: described.clone(), source };
        let mut command = self.namespace.enter();
        self.add_words(&mut command);
        command.env_clear().env("PATH", tool::search_path()).env("LANG", "C.UTF-8").envs(self.environment);
        command.stdin(input_file(&self.input).map_err(start_error)?);
        command.stdout(stdout.try_clone().map_err(start_error)?).stderr(stderr.try_clone().map_err(start_error)?);
        // A group of its own, so that its children can be killed with it.
        let child = command.process_group(0).spawn().map_err(start_error)?;
        Ok(Process::new(child, described))
    }

    fn add_words(&self, command: &mut Command) {
        if !self.privileges.is_empty() {
            command.arg("setpriv").args(&self.privileges).arg("--");
        }
        command.args(&self.words);
    }

    fn privilege(mut self, option: String) -> Self {
        self.privileges.push(option);
        self
    }
}

/// A file without a name: unlike a pipe it needs no reader, and is complete when the program has ended.
fn scratch() -> Result<File, LabError> {
    tempfile::tempfile().map_err(|source| LabError::File {
        action: "make a file in",
        path: std::env::temp_dir(),
        source,
    })
}

fn input_file(input: &[u8]) -> io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(input)?;
    file.rewind()?;
    Ok(file.into())
}

fn read_all(mut file: File) -> Result<String, LabError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(|source| LabError::File {
        action: "read the output in",
        path: std::env::temp_dir(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
