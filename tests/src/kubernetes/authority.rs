//! The CA of a cluster, as a program on loopback that asks a test's API server.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bulkhead_lab::binaries;
use serde_json::Value;
use tempfile::TempDir;

/// A running `bulkhead-ca serve --kubernetes`; it ends, with all that it has stored, when this is dropped.
pub struct Authority {
    process: Child,
    address: String,
    directory: TempDir,
}

impl Authority {
    /// Founds an authority for `prod.example` and serves the cluster that this kubeconfig leads to.
    pub fn start(kubeconfig: &Path, flags: &[&str]) -> Result<Self> {
        let (program, directory) = (binaries::find("bulkhead-ca")?, TempDir::new()?);
        let (state, unseal) = (directory.path().join("ca"), directory.path().join("unseal"));
        let command = |word: &str| {
            let mut command = Command::new(&program);
            // The variable that names the tools of the tests is also that of a flag.
            command.env_remove("BULKHEAD_KUBERNETES").arg(word).arg("--dir").arg(&state);
            command.arg("--unseal-file").arg(&unseal);
            command
        };
        let founded = command("init").args(["--trust-domain", "prod.example"]).output()?;
        ensure!(founded.status.success(), "bulkhead-ca init: {}", String::from_utf8_lossy(&founded.stderr));
        let log = File::create(directory.path().join("log"))?;
        let mut serve = command("serve");
        serve.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--kubernetes"]).args(flags);
        serve.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = serve.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut authority = Self { process, address: String::new(), directory };
        authority.address = authority.until_serving()?;
        Ok(authority)
    }

    /// Where it answers, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The root certificate, as PEM.
    pub fn roots(&self) -> PathBuf {
        self.directory.path().join("ca/root.pem")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_else(|error| error.to_string())
    }

    fn until_serving(&mut self) -> Result<String> {
        let began = Instant::now();
        loop {
            let log = self.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut serving = lines.filter(|line| line.to_string().contains("\"serving\""));
            if let Some(address) = serving.find_map(|line| listen(&line)) {
                return Ok(address);
            }
            if self.process.try_wait()?.is_some() || began.elapsed() > crate::DEADLINE {
                bail!("the CA does not serve: {log}");
            }
            thread::sleep(PACE);
        }
    }
}

fn listen(line: &Value) -> Option<String> {
    line.get("listen").or_else(|| line.get("fields")?.get("listen"))?.as_str().map(str::to_owned)
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.process.kill(); // It may have ended already.
        let _ = self.process.wait();
    }
}

const PACE: Duration = Duration::from_millis(50);
