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

    /// Waits for its end; how it says that it ended.
    pub(super) fn end(mut self) -> Result<String> {
        until(PATIENCE, "it ends", || self.child.try_wait().ok().flatten())?;
        let said = self.said()?;
        let line = said.lines().find(|line| line.contains("ended with"));
        line.map(str::to_owned).with_context(|| format!("it does not say how it ended: {said}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
    }
}

/// The requests of `caller`, which go on while something happens.
pub(super) struct Calls<'a> {
    shell: &'a Shell,
    pod: String,
    fetched: u64,
    failed: u64,
}

impl<'a> Calls<'a> {
    /// Begins to count.
    pub(super) fn count(shell: &'a Shell) -> Result<Self> {
        let pod = Pod::one(shell, "shop", "app=caller")?.name;
        let (fetched, failed) = shell.until("caller says its counts", &log_of(&pod), counts)?;
        Ok(Self { shell, pod, fetched, failed })
    }

    /// Waits until more were answered since then; how many. Fails if one of them failed.
    pub(super) fn without_failure(&self) -> Result<u64> {
        let (fetched, failed) = self.shell.until("further requests are answered", &log_of(&self.pod), |log| {
            counts(log).filter(|(fetched, _)| *fetched > self.fetched)
        })?;
        let log = self.shell.ask(&log_of(&self.pod))?;
        let complaints: Vec<_> = log.lines().filter(|line| line.starts_with("failure")).collect();
        ensure!(failed == self.failed, "{} requests failed: {complaints:?}", failed - self.failed);
        Ok(fetched - self.fetched)
    }
}

fn log_of(pod: &str) -> String {
    format!("kubectl logs -n shop {pod} -c app --tail=50")
}

/// The numbers in the last line of counts, `12 fetched, 0 failed`.
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
