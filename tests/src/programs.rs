//! The programs under test, from the same build as the harness, where every user of the lab may start them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
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
    helpers: Option<Helpers>,
}

/// What is no part of the product.
#[derive(Clone, Debug)]
struct Helpers {
    app: PathBuf,
    rogue: PathBuf,
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
        let helpers = Helpers { app: install(lab, "lab-app")?, rogue: install(lab, "lab-rogue")? };
        Ok(Self { helpers: Some(helpers), ..Self::install_product(lab)? })
    }

    /// The same without the helpers of the tests, for who brings applications of their own.
    pub fn install_product(lab: &Lab) -> Result<Self> {
        Ok(Self {
            ca: install(lab, "bulkhead-ca")?,
            agent: install(lab, "bulkhead-agent")?,
            proxy: install(lab, "bulkhead-proxy")?,
            cli: install(lab, "bulkhead")?,
            helpers: None,
        })
    }

    /// `lab-app`, the ordinary application of the workloads.
    pub fn app(&self) -> Result<String> {
        self.helper(|helpers| &helpers.app)
    }

    /// `lab-rogue`, a client that keeps no rule.
    pub fn rogue(&self) -> Result<String> {
        self.helper(|helpers| &helpers.rogue)
    }

    fn helper(&self, which: impl FnOnce(&Helpers) -> &PathBuf) -> Result<String> {
        let helpers = self.helpers.as_ref().context("only the product's programs were installed in this lab")?;
        Ok(which(helpers).to_string_lossy().into_owned())
    }
}

fn install(lab: &Lab, name: &str) -> Result<PathBuf> {
    Ok(lab.install(&binaries::find(name)?)?)
}
