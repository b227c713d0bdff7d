//! The real binary, in an environment of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bulkhead_identity::{KeyStore, StoredIdentity};

use super::{Ca, Mesh, Shown};

/// One run of `bulkhead`.
pub struct Run {
    command: Command,
    input: String,
}

/// How it ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// A run that knows neither CA nor key, whose home is `home`.
    pub fn bare(home: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
        command.args(arguments).env_clear().env("HOME", home).current_dir(home);
        Self { command, input: String::new() }
    }

    /// A run by this operator, whose files are in their usual place below `home`.
    pub fn by(home: &Path, mesh: &Mesh, operator: Shown, arguments: &[&str]) -> Self {
        let directory = home.join(".config/bulkhead");
        fs::create_dir_all(&directory).unwrap();
        let Shown { chain, key } = operator;
        KeyStore::new(directory.join("operator.pem")).write(&StoredIdentity { key, chain }).unwrap();
        fs::write(directory.join("root.pem"), mesh.bundle().to_pem()).unwrap();
        Self::bare(home, arguments)
    }

    /// Against this CA.
    pub fn at(mut self, ca: &Ca) -> Self {
        self.command.env("BULKHEAD_CA", ca.address.to_string());
        self
    }

    /// With this on stdin, which is never a terminal.
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.into();
        self
    }

    /// On a terminal, at which somebody types this line.
    pub fn end_on_a_terminal(mut self, typed: &str) -> Ended {
        let terminal = nix::pty::openpty(None, None).unwrap();
        let mut keyboard = File::from(terminal.master);
        keyboard.write_all(format!("{typed}\n").as_bytes()).unwrap();
        Ended::from(self.command.stdin(Stdio::from(terminal.slave)).output().unwrap())
    }

    pub fn end(mut self) -> Ended {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // A command that reads nothing may be gone before it is written to.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        Ended::from(child.wait_with_output().unwrap())
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}
