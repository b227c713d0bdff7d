//! The stage: five nodes with their workloads, a service, a stranger.

use anyhow::Result;
use bulkhead_lab::Host;

use crate::{Mesh, Node, Workload};

/// Everything that the story speaks of.
pub(super) struct Scene {
    pub(super) mesh: Mesh,
    pub(super) nodes: Vec<Node>,
    /// `ns/shop/sa/web` on n1.
    pub(super) web: Workload,
    /// `ns/shop/sa/api` on n1.
    pub(super) api: Workload,
    /// `ns/shop/sa/web` on n2.
    pub(super) other_web: Workload,
    /// `ns/shop/sa/db` on n3.
    pub(super) db: Workload,
    /// `ns/shop/sa/db` on n5.
    pub(super) other_db: Workload,
    /// `ns/pay/sa/ledger` on n4.
    pub(super) ledger: Workload,
    /// Outside the mesh.
    pub(super) stranger: Host,
}

impl Scene {
    /// Builds the network and waits until every sidecar is ready.
    pub(super) fn set() -> Result<Self> {
        let mesh = Mesh::start()?;
        let clearances =
            [("n1", "internal"), ("n2", "internal"), ("n3", "internal"), ("n4", "restricted:pci"), ("n5", "internal")];
        let nodes =
            clearances.map(|(name, clearance)| mesh.node(name, clearance)).into_iter().collect::<Result<Vec<_>>>()?;
        let start = |node: usize, account, label| nodes[node].workload(mesh.operator(), account, label);
        let (web, api) = (start(0, "ns/shop/sa/web", "internal")?, start(0, "ns/shop/sa/api", "internal")?);
        let mut other_web = start(1, "ns/shop/sa/web", "internal")?;
        let (mut db, mut other_db) = (start(2, "ns/shop/sa/db", "internal")?, start(4, "ns/shop/sa/db", "internal")?);
        let mut ledger = start(3, "ns/pay/sa/ledger", "restricted:pci")?;
        for server in [&mut db, &mut other_db, &mut ledger] {
            server.serve("files", 8080)?;
        }
        other_web.serve("echo", 8080)?;
        mesh.operator().json(&[
            "service",
            "create",
            "--name",
            "db",
            "--address",
            SERVICE,
            "--port",
            "8080",
            "--workload",
            "ns/shop/sa/db",
        ])?;
        let stranger = mesh.lab().host("stranger")?;
        Ok(Self { mesh, nodes, web, api, other_web, db, other_db, ledger, stranger })
    }

    /// How to enter each host by hand.
    pub(super) fn ways_in(&self) -> Vec<(String, String)> {
        let pods = [&self.web, &self.api, &self.other_web, &self.db, &self.other_db, &self.ledger];
        let hosts = self.nodes.iter().map(Node::host).chain(pods.map(Workload::pod));
        let hosts = hosts.chain([self.mesh.ca_host(), &self.stranger]);
        hosts.map(|host| (host.name().to_owned(), host.how_to_enter())).collect()
    }
}

/// The virtual address of the service `db`.
pub(super) const SERVICE: &str = "10.77.200.1";
