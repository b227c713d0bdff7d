//! A node: a host with an agent, and the pods on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use bulkhead_lab::{Host, Process};

use crate::programs::Programs;
use crate::{DEADLINE, Operator, Workload, log_of};

/// A host that has joined, and its agent.
pub struct Node {
    name: String,
    host: Host,
    programs: Programs,
    state: PathBuf,
    sockets: PathBuf,
    /// How long what starts on it may take.
    patience: Duration,
    agent: Option<Process>,
}

impl Node {
    /// A host without an identity.
    pub fn new(
        name: &str,
        host: Host,
        programs: &Programs,
        state: PathBuf,
        sockets: &Path,
        patience: Duration,
    ) -> Self {
        let (programs, sockets) = (programs.clone(), sockets.to_owned());
        Self { name: name.to_owned(), host, programs, state, sockets, patience, agent: None }
    }

    /// Joins by a token, which comes by standard input.
    pub fn join(&self, token: &str) -> Result<()> {
        let join = self.host.command(self.programs.agent.to_string_lossy()).args(["join", "--token-file", "-"]);
        join.arg("--state-dir").arg(&self.state).stdin(token).run(DEADLINE)?.success("bulkhead-agent join")?;
        Ok(())
    }

    /// Starts the agent, at first or again.
    pub fn start_agent(&mut self, ca: &str) -> Result<()> {
        let run = self.host.command(self.programs.agent.to_string_lossy()).args(["run", "--ca", ca]);
        let run = run.arg("--socket-dir").arg(&self.sockets).arg("--state-dir").arg(&self.state);
        self.agent = Some(run.spawn(&format!("{}-agent", self.host.name()))?);
        Ok(())
    }

    /// Stops the agent.
    pub fn stop_agent(&mut self) -> Result<()> {
        if let Some(agent) = self.agent.take() {
            agent.terminate()?;
            agent.wait(DEADLINE)?;
        }
        Ok(())
    }

    /// Registers a workload on this node, gives it a pod with the socket of its own, captures its traffic and starts its
    /// sidecar.
    pub fn workload(&self, operator: &Operator, account: &str, label: &str) -> Result<Workload> {
        Workload::start(self, operator, &self.programs, account, label)
    }

    /// The same, but with neither capture nor a sidecar.
    pub fn workload_without_sidecar(&self, operator: &Operator, account: &str, label: &str) -> Result<Workload> {
        Workload::register(self, operator, &self.programs, account, label)
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long what starts on it may take.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Where the agent keeps the socket of a registration.
    pub fn socket(&self, instance: &str) -> PathBuf {
        self.sockets.join(instance).join("api.sock")
    }

    /// Its host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What its agent has logged.
    pub fn agent_log(&self) -> String {
        self.agent.as_ref().map(log_of).unwrap_or_default()
    }

    /// The node's key and chain, as the agent keeps them: for tests that steal them.
    pub fn stolen_identity(&self) -> Result<String> {
        let mut found = String::new();
        for entry in fs::read_dir(&self.state)? {
            let text = fs::read_to_string(entry?.path()).unwrap_or_default();
            if text.contains("PRIVATE KEY") {
                found = text;
            }
        }
        Ok(found)
    }
}

/// Where an agent keeps the sockets of its workloads.
pub(crate) const SOCKETS: &str = "/run/bulkhead/workloads";
