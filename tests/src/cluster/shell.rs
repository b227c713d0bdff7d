//! What an operator types, run by a shell: the story's commands are those of the README, letter by letter.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bulkhead_lab::until;
use serde_json::Value;

use crate::teller::Teller;

/// A shell in the story's directory, with `kubectl` and `helm` for its cluster.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    /// Where `kubectl` and `helm` lie; none for those of the machine.
    pub(super) programs: Option<PathBuf>,
    /// Where it stands: what it types may name `charts/bulkhead` and `values.yaml`.
    pub(super) directory: PathBuf,
}

impl Shell {
    /// Types a command before the audience; what it printed.
    pub(super) fn types(&self, teller: &Teller, command: &str) -> Result<String> {
        teller.types(command);
        self.ask(command)
    }

    /// Runs a command behind the scene; what it printed.
    pub(super) fn ask(&self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !output.status.success() {
            bail!("`{command}` ended with {}: {}{}", output.status, text(&output.stdout), text(&output.stderr));
        }
        Ok(text(&output.stdout))
    }

    /// What it printed, as JSON.
    pub(super) fn ask_json(&self, command: &str) -> Result<Value> {
        let printed = self.ask(command)?;
        serde_json::from_str(&printed).with_context(|| format!("`{command}` printed no JSON: {printed}"))
    }

    /// Runs a command that is to fail; what it complained about.
    pub(super) fn fails(&self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        if output.status.success() {
            bail!("`{command}` was done, and should have been refused: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout))
    }

    /// Whatever came of a command.
    pub(super) fn run(&self, command: &str) -> Result<Output> {
        self.command(command).output().with_context(|| format!("cannot run `{command}`"))
    }

    /// The command, not started yet.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--foreground", "180", "bash", "-c", line]).current_dir(&self.directory).stdin(Stdio::null());
        if let Some(programs) = &self.programs {
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", programs.display()));
        }
        command
    }

    /// Runs a command again and again until `seen` finds what it looks for in what was printed.
    pub(super) fn until<T>(&self, what: &str, command: &str, seen: impl Fn(&str) -> Option<T>) -> Result<T> {
        Ok(until(PATIENCE, what, || match self.ask(command) {
            Ok(printed) => seen(&printed).ok_or(printed),
            Err(error) => Err(format!("{error:#}")),
        })?)
    }
}

/// Two nodes on two cores start a dozen pods at a time.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
