//! What crosses the wire between the nodes of the cluster that `ci/cluster` has made.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use bulkhead_lab::capture::Capture;
use bulkhead_lab::until;
use tempfile::TempDir;

use crate::DEADLINE;

/// A recording on the bridge that joins the nodes; it ends when this is dropped.
pub(super) struct Recording {
    tcpdump: Child,
    directory: TempDir,
}

impl Recording {
    /// Begins to record.
    pub(super) fn begin(cluster: &Path) -> Result<Self> {
        let directory = TempDir::new()?;
        let (file, log) = (directory.path().join("wire.pcap"), directory.path().join("tcpdump.log"));
        let enter = cluster.join("enter");
        let mut command = Command::new(&enter);
        command
            .args(["cp", "tcpdump", "-i", "lan", "--immediate-mode", "-U", "-B", "16384", "-s", "0", "-w"])
            .arg(&file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log)?);
        let tcpdump = command.spawn().with_context(|| format!("cannot run {}", enter.display()))?;
        until(DEADLINE, "tcpdump listens", || {
            std::fs::read_to_string(&log).ok().filter(|said| said.contains("listening on"))
        })?;
        Ok(Self { tcpdump, directory })
    }

    /// What was recorded so far.
    pub(super) fn so_far(&self) -> Result<Capture> {
        Ok(Capture::read(&self.directory.path().join("wire.pcap"))?)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.tcpdump.kill(); // It may have ended already.
        let _ = self.tcpdump.wait();
    }
}
