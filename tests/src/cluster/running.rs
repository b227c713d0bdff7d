//! What goes on in a pod while something else happens: a download, or one request after the other.

use std::fs::{self, OpenOptions};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::until;
use tempfile::NamedTempFile;

use super::pods::Pod;
use super::shell::{PATIENCE, Shell};

/// `lab-app` with these words in a pod; it ends when this is dropped.
pub(super) struct Running {
    child: Child,
    said: NamedTempFile,
}

impl Running {
    /// A download from this address, begun.
    pub(super) fn download(shell: &Shell, client: &Pod, address: &str) -> Result<Self> {
        let running = Self::start(shell, &client.app(&format!("download {address}")))?;
        running.until("the download begins", |said| said.contains("begun").then_some(()))?;
        Ok(running)
    }

    /// Requests to this address, the first of them answered.
    pub(super) fn load(shell: &Shell, client: &Pod, address: &str) -> Result<Self> {
        let running = Self::start(shell, &client.app(&format!("load {address} /name")))?;
        running.until("the first requests are answered", |said| (fetched(said) > 0).then_some(()))?;
        Ok(running)
    }

    fn start(shell: &Shell, line: &str) -> Result<Self> {
        let said = NamedTempFile::new()?;
        // Appending, so that both of its outputs may go to one file.
        let output = OpenOptions::new().append(true).open(said.path())?;
        let mut command = shell.command(line);
        let child = command.stdout(Stdio::from(output.try_clone()?)).stderr(Stdio::from(output)).spawn()?;
        Ok(Self { child, said })
    }

    /// Everything that it has said.
    pub(super) fn said(&self) -> Result<String> {
        fs::read_to_string(self.said.path()).context("it printed no text")
    }

    fn until<T>(&self, what: &str, seen: impl Fn(&str) -> Option<T>) -> Result<T> {
        Ok(until(PATIENCE, what, || {
            let said = self.said().map_err(|error| error.to_string())?;
            seen(&said).ok_or(said)
        })?)
    }

    /// Waits until more requests than until now were answered; how many failed since the beginning.
    pub(super) fn goes_on(&self) -> Result<u64> {
        let before = fetched(&self.said()?);
        self.until("further requests are answered", |said| (fetched(said) > before).then(|| failed(said)))
    }

    /// Fails if a request did.
    pub(super) fn without_failure(&self) -> Result<u64> {
        self.goes_on()?;
        let said = self.said()?;
        let complaints: Vec<_> = said.lines().filter(|line| line.starts_with("failure")).take(5).collect();
        ensure!(failed(&said) == 0 && complaints.is_empty(), "{} requests failed: {complaints:?}", failed(&said));
        Ok(fetched(&said))
    }

    /// Waits for its end; what it said last.
    pub(super) fn end(mut self) -> Result<String> {
        until(PATIENCE, "it ends", || self.child.try_wait().ok().flatten())?;
        Ok(self.said()?.lines().last().unwrap_or_default().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
    }
}

/// The first number in the last line of counts, `12 fetched, 0 failed`.
fn fetched(said: &str) -> u64 {
    counts(said).map_or(0, |(fetched, _)| fetched)
}

fn failed(said: &str) -> u64 {
    counts(said).map_or(0, |(_, failed)| failed)
}

fn counts(said: &str) -> Option<(u64, u64)> {
    said.lines().rev().find_map(|line| {
        let (fetched, failed) = line.strip_suffix(" failed")?.split_once(" fetched, ")?;
        Some((fetched.parse().ok()?, failed.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_counts_are_read() {
        assert_eq!(counts("1 fetched, 0 failed\nfailure: x\n12 fetched, 3 failed\nfail"), Some((12, 3)));
        assert_eq!(counts("failure: x"), None);
    }
}
