//! The operator: types the command that a person would type, and reads its JSON.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_lab::{Host, HostCommand, Output};
use serde_json::Value;

use crate::DEADLINE;
use crate::mesh::{Founded, ca_address};
use crate::programs::Programs;

/// Somebody with the first operator's key, on the CA's host.
pub struct Operator {
    host: Host,
    cli: PathBuf,
    ca: String,
    identity: PathBuf,
    roots: PathBuf,
    loot: PathBuf,
}

impl Operator {
    pub(crate) fn new(programs: &Programs, host: &Host, founded: &Founded) -> Self {
        let (identity, roots) = (founded.operator_file.clone(), founded.roots.clone());
        let loot = founded.loot.clone();
        Self { host: host.clone(), cli: programs.cli.clone(), ca: ca_address(host), identity, roots, loot }
    }

    /// A command of the operator's, with what it needs to reach the CA.
    pub fn command(&self, words: &[&str]) -> HostCommand {
        let command = self.host.command(self.cli.to_string_lossy()).args(words);
        command.args(["--ca", &self.ca]).arg("--identity").arg(&self.identity).arg("--roots").arg(&self.roots)
    }

    /// Runs it and reads what it prints for programs.
    pub fn json(&self, words: &[&str]) -> Result<Value> {
        let output = self.command(words).args(["-o", "json"]).run(DEADLINE)?.success(&words.join(" "))?;
        serde_json::from_str(&output.stdout)
            .with_context(|| format!("`{}` printed {:?}", words.join(" "), output.stdout))
    }

    /// Runs it and returns how it ended, whatever that is.
    pub fn run(&self, words: &[&str]) -> Result<Output> {
        Ok(self.command(words).run(DEADLINE)?)
    }

    /// A join token's text.
    pub fn create_token(&self, node: &str, clearance: &str) -> Result<String> {
        let created = self.command(&["token", "create", "--node", node, "--clearance", clearance]).run(DEADLINE)?;
        Ok(created.success("token create")?.stdout)
    }

    /// Puts this policy in force.
    pub fn apply_policy(&self, yaml: &str) -> Result<()> {
        let apply = self.command(&["policy", "apply", "-f", "-"]).stdin(yaml);
        apply.run(DEADLINE)?.success("policy apply")?;
        Ok(())
    }

    /// Revokes a node and waits for the receipt.
    pub fn revoke(&self, node: &str) -> Result<Output> {
        let revoke = self.command(&["node", "revoke", node, "--reason", "test", "--wait", "--yes"]);
        Ok(revoke.run(DEADLINE + Duration::from_secs(10))?)
    }

    /// Where the CA answers.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The root certificate.
    pub fn roots(&self) -> &std::path::Path {
        &self.roots
    }

    /// A directory that every user of the lab may write to.
    pub fn loot(&self) -> &std::path::Path {
        &self.loot
    }

    /// The operator's key and certificate: for tests that use them where they do not belong.
    pub fn identity(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.identity)?)
    }
}
