//! What an operator types.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// `kubectl`, as the administrator of one server.
#[derive(Clone, Debug)]
pub(super) struct Kubectl {
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
}

/// What it said.
#[derive(Debug)]
pub struct Said {
    /// Whether it did what it was told.
    pub done: bool,
    /// Data.
    pub output: String,
    /// Warnings and errors.
    pub complaints: String,
}

impl From<Output> for Said {
    fn from(ended: Output) -> Self {
        let [output, complaints] =
            [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Self { done: ended.status.success(), output, complaints }
    }
}

impl Said {
    /// The output, or an error with the complaints.
    pub fn output(self) -> Result<String> {
        ensure!(self.done, "{}", self.complaints.trim());
        Ok(self.output)
    }
}

impl Kubectl {
    /// Runs it with these words and this object as its input.
    pub(super) fn run(&self, words: &[&str], input: Option<&Value>) -> Result<Said> {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig).arg("--request-timeout=20s").args(words);
        // Not in the home directory: a later server on the same port is another one.
        command.arg("--cache-dir").arg(self.kubeconfig.with_extension("cache"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let mut stdin = child.stdin.take().context("it has an input, which was asked for")?;
        let text = input.map_or_else(String::new, Value::to_string);
        // It reads all of its input before it says anything longer than a pipe holds.
        let written = stdin.write_all(text.as_bytes());
        drop(stdin);
        let said = Said::from(child.wait_with_output()?);
        if said.done {
            written.context("kubectl did not read its input")?;
        }
        Ok(said)
    }
}
