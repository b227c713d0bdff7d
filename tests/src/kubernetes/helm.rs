//! What installs the chart.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::kubectl::Said;
use super::server::ApiServer;
use super::tools::Tools;

/// `helm`, with the project's chart.
pub struct Helm {
    program: PathBuf,
    /// What it keeps between two commands.
    home: TempDir,
}

impl Helm {
    /// From beside `kubectl`, or the machine's own.
    pub fn find() -> Result<Self> {
        Ok(Self { program: Tools::find()?.helm(), home: TempDir::new()? })
    }

    /// Runs it with these words; with a server, as its administrator.
    pub fn run(&self, server: Option<&ApiServer>, words: &[&str]) -> Result<Said> {
        let mut command = Command::new(&self.program);
        command.args(words).env("HOME", self.home.path()).stdin(Stdio::null());
        // Not the machine's cluster, if it has one.
        command.env("KUBECONFIG", server.map_or_else(|| Path::new("/dev/null"), ApiServer::kubeconfig));
        let ended = command.output().with_context(|| format!("cannot start {}", self.program.display()))?;
        Ok(Said::from(ended))
    }

    /// Where the project's chart lies.
    pub fn chart() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/bulkhead")
    }
}
