//! The programs under test, from the same build as the harness, where every user of the lab may start them.

use std::path::PathBuf;

use anyhow::Result;
use bulkhead_lab::{HostCommand, Lab, binaries};

/// Where each program lies.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `bulkhead-ca`.
    pub ca: PathBuf,
    /// `bulkhead-agent`.
    pub agent: PathBuf,
    /// `bulkhead-proxy`.
    pub proxy: PathBuf,
    /// `bulkhead`, the operator's command.
    pub cli: PathBuf,
    /// `lab-app`, the ordinary application of the workloads.
    pub app: PathBuf,
    /// `lab-rogue`, a client that keeps no rule.
    pub rogue: PathBuf,
}

/// Passes on what the demo's `BREAK=n` breaks: programs in the lab have a clean environment otherwise.
pub(crate) fn as_broken_as_told(command: HostCommand) -> HostCommand {
    match std::env::var(SABOTAGE) {
        Ok(step) => command.env(SABOTAGE, step),
        Err(_) => command,
    }
}

const SABOTAGE: &str = "BULKHEAD_SABOTAGE";

impl Programs {
    /// Finds them beside this test and copies them into the lab.
    pub fn install(lab: &Lab) -> Result<Self> {
        let install = |name| Ok::<_, anyhow::Error>(lab.install(&binaries::find(name)?)?);
        Ok(Self {
            ca: install("bulkhead-ca")?,
            agent: install("bulkhead-agent")?,
            proxy: install("bulkhead-proxy")?,
            cli: install("bulkhead")?,
            app: install("lab-app")?,
            rogue: install("lab-rogue")?,
        })
    }
}
