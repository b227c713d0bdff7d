//! Where the programs lie that `ci/kubernetes` builds or the machine has.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// The programs of a Kubernetes.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// From `BULKHEAD_KUBERNETES`, which `make test-kubernetes` sets, or `KUBEBUILDER_ASSETS`.
    pub(super) fn find() -> Result<Self> {
        let found = ["BULKHEAD_KUBERNETES", "KUBEBUILDER_ASSETS"].into_iter().find_map(env::var_os);
        let directory = found.context(
            "neither BULKHEAD_KUBERNETES nor KUBEBUILDER_ASSETS is set; `make test-kubernetes` builds an API server and sets it",
        )?;
        let tools = Self { directory: directory.into() };
        ensure!(
            tools.kubectl().is_file(),
            "{} has no kubectl; `ci/kubernetes` makes such a directory",
            tools.directory.display()
        );
        Ok(tools)
    }

    /// The operator's command.
    pub(super) fn kubectl(&self) -> PathBuf {
        self.directory.join("kubectl")
    }

    /// The installer of charts: where it is missing here, the machine's own.
    pub(super) fn helm(&self) -> PathBuf {
        let own = self.directory.join("helm");
        if own.is_file() { own } else { "helm".into() }
    }

    /// The API server; the second value says whether it brings its etcd.
    pub(super) fn api_server(&self) -> Result<(Command, bool)> {
        let (one, alone) = (self.directory.join("kubernetes"), self.directory.join("kube-apiserver"));
        if one.is_file() {
            let mut command = Command::new(one);
            command.arg("kube-apiserver");
            return Ok((command, true));
        }
        if alone.is_file() {
            return Ok((Command::new(alone), false));
        }
        bail!("{} has neither `kubernetes` nor `kube-apiserver`", self.directory.display())
    }

    /// An etcd of its own.
    pub(super) fn etcd(&self) -> PathBuf {
        self.directory.join("etcd")
    }
}
