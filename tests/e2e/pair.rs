//! The smallest mesh with traffic: web on n1, db on n2.

use anyhow::Result;
use bulkhead_tests::{Mesh, Node, Workload};

/// web on n1 and db on n2, both `internal`; db serves files on 8080 and an echo on 8081.
pub(crate) struct Pair {
    pub(crate) mesh: Mesh,
    pub(crate) nodes: [Node; 2],
    pub(crate) web: Workload,
    pub(crate) db: Workload,
}

impl Pair {
    pub(crate) fn start() -> Result<Self> {
        let mesh = Mesh::start()?;
        let nodes = [mesh.node("n1", "internal")?, mesh.node("n2", "internal")?];
        let web = nodes[0].workload(mesh.operator(), "ns/shop/sa/web", "internal")?;
        let mut db = nodes[1].workload(mesh.operator(), "ns/shop/sa/db", "internal")?;
        db.serve("files", 8080)?;
        db.serve("echo", 8081)?;
        Ok(Self { mesh, nodes, web, db })
    }

    /// A URL of db's file server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}:8080{path}", self.db.pod().ipv4())
    }
}
