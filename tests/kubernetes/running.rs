//! A program of ours that runs beside an API server: its log, and what its admin port says.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;

use crate::controller::until;

/// It ends when this is dropped.
pub(crate) struct Running {
    child: Child,
    directory: TempDir,
}

impl Running {
    /// Starts it; its log goes into this directory, in which its files may lie.
    pub(crate) fn start(mut command: Command, directory: TempDir) -> Result<Self> {
        let log = File::create(directory.path().join(LOG))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self { child: command.spawn()?, directory })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file(LOG)).unwrap_or_default()
    }

    /// What its log says first under this name.
    pub(crate) fn said(&self, field: &str) -> Option<String> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut said = lines.filter_map(|line| line[field].as_str().map(str::to_owned));
        said.next()
    }

    /// Waits until the admin port answers something like this.
    pub(crate) fn until_says(&self, path: &str, words: &str) {
        until(words, || self.get(path), |answer| answer.contains(words), || self.log());
    }

    /// The admin port's whole answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let Some(admin) = self.said("admin") else { return "no admin port yet".to_owned() };
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&admin)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: program\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked().unwrap_or_else(|error| error.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
    }
}

const LOG: &str = "log";
