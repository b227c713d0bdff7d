//! The node that is revoked, and the downloads from it.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use bulkhead_lab::{Process, until};
use bulkhead_tests::{DEADLINE, Node, Workload};

use super::crowd::Crowd;

/// A fresh node with a workload from which every real sidecar downloads.
pub(super) struct Victim {
    name: String,
    downloads: Vec<Process>,
    _pour: Process,
    workload: Workload,
    _node: Node,
}

impl Victim {
    /// Admits it, and waits until every download flows.
    pub(super) fn connect(crowd: &Crowd, round: u32) -> Result<Self> {
        let name = format!("victim-{round}");
        let node = crowd.mesh.node(&name, "internal")?;
        let workload = node.workload(crowd.mesh.operator(), "ns/bench/sa/victim", "internal")?;
        let address = format!("{}:8080", workload.pod().ipv4());
        let pour = workload.command(&crowd.program).args(["pour", &address]).spawn(&format!("pour-{round}"))?;
        pour.wait_for_log("listening", DEADLINE)?;
        let download = |sidecar: &Workload| {
            let drink = sidecar.command(&crowd.program).args(["drink", &address]);
            drink.spawn(&format!("drink-{round}-{}", sidecar.pod().name()))
        };
        let downloads = crowd.sidecars.iter().map(download).collect::<Result<Vec<_>, _>>()?;
        downloads.iter().try_for_each(|download| download.wait_for_log("flowing", DEADLINE).map(drop))?;
        Ok(Self { name, downloads, _pour: pour, workload, _node: node })
    }

    /// The node's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The addresses of its pod.
    pub(super) fn addresses(&self) -> [IpAddr; 2] {
        let pod = self.workload.pod();
        [pod.ipv4().into(), pod.ipv6().into()]
    }

    /// Waits until every download has ended; each must have been broken off.
    pub(super) fn until_cut(&self) -> Result<()> {
        for download in &self.downloads {
            until(DEADLINE, "a download ends", || download.exit_status())?;
            let log = download.log()?;
            ensure!(log.contains("ended by a reset"), "a download did not end by a reset: {}", log.trim());
        }
        Ok(())
    }

    /// An error when a download has ended already.
    pub(super) fn check(&self) -> Result<()> {
        for download in &self.downloads {
            ensure!(download.is_running(), "a download ended before the revocation: {}", download.log()?.trim());
        }
        Ok(())
    }
}
