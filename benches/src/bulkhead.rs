//! Bulkhead as an arm: a CA, a node at each end, a workload with its sidecar on each.

mod about;
mod policy;
mod setting;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bulkhead_lab::{Lab, binaries};
use bulkhead_measure::work::{Cold, Dialect};
use bulkhead_tests::programs::Programs;
use bulkhead_tests::workload::SIDECAR;
use bulkhead_tests::{DEADLINE, Mesh, Node, Workload};

pub use setting::{ParseSettingError, Setting};

use crate::arm::{About, Arm, ArmName, End, Ends, ProxyProcess};
use crate::arms::{APPLICATION_PORT, BETWEEN_PORT, pods};

/// Two workloads of a mesh of their own, in a lab that it shares with other arms.
pub struct Bulkhead {
    name: ArmName,
    about: About,
    ends: Ends,
    // Dropped in this order: the sidecars first, the CA last.
    client: Workload,
    server: Workload,
    _nodes: [Node; 2],
    mesh: Mesh,
}

impl Bulkhead {
    /// Founds the mesh and waits until both sidecars are ready, which with a million cutoffs takes minutes.
    pub fn stand(lab: &Arc<Lab>, setting: Setting) -> Result<Self> {
        let prefix = format!("{}-", setting.name().0.replace('@', "-"));
        let mut mesh = Mesh::found_in(Arc::clone(lab), Programs::install_product(lab)?, &prefix)?;
        mesh.be_patient(setting.patience());
        setting.seed(&mesh)?;
        mesh.start_ca()?;
        mesh.operator().apply_policy(&setting.policy())?;
        let nodes = [mesh.node("one", LABEL)?, mesh.node("two", LABEL)?];
        let mut client = workload(&mesh, &nodes[0], "client")?;
        let mut server = workload(&mesh, &nodes[1], "server")?;
        let both = [&mut client, &mut server];
        both.into_iter().try_for_each(Workload::start_sidecar)?;
        [&client, &server].into_iter().try_for_each(Workload::until_ready)?;
        let service = SocketAddr::from((server.pod().ipv4(), APPLICATION_PORT));
        let ends = Ends { client: client.pod().clone(), server: server.pod().clone(), service };
        let about = about::of(setting, &mesh, &client, &server)?;
        Ok(Self { name: setting.name(), about, ends, client, server, _nodes: nodes, mesh })
    }

    /// Waits until both sidecars say that they are ready.
    pub fn until_ready(&self) -> Result<()> {
        [&self.client, &self.server].into_iter().try_for_each(Workload::until_ready)
    }

    /// The mesh, for who commands its operator.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The client's certificate and key in a file, as they are now: its agent renews them.
    fn fetch_identity(&self) -> Result<PathBuf> {
        let file = self.mesh.operator().loot().join("client.pem");
        let program = self.mesh.lab().install(&binaries::find("bench-watchers")?)?;
        let fetch = self.ends.client.command(program.to_string_lossy()).args(["fetch", SOCKET]).arg(&file);
        fetch.uid(SIDECAR).gid(SIDECAR).run(DEADLINE)?.success("bench-watchers fetch")?;
        Ok(file)
    }

    /// The root where everybody may read it: the directory of the CA is the CA's alone.
    fn publish_roots(&self) -> Result<PathBuf> {
        let file = self.mesh.operator().loot().join("roots.pem");
        std::fs::copy(self.mesh.operator().roots(), &file).context("the root cannot be copied")?;
        Ok(file)
    }
}

impl Arm for Bulkhead {
    fn name(&self) -> &ArmName {
        &self.name
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn ends(&self) -> &Ends {
        &self.ends
    }

    fn start(&mut self) -> Result<()> {
        self.client.start_sidecar()?;
        self.server.start_sidecar()
    }

    fn stop(&mut self) -> Result<()> {
        let running = [&mut self.client, &mut self.server].into_iter().filter(|end| end.sidecar_process().is_some());
        running.into_iter().try_for_each(Workload::stop_sidecar)
    }

    fn processes(&self) -> Result<Vec<ProxyProcess>> {
        let ends = [(End::Client, &self.client), (End::Server, &self.server)];
        ends.into_iter()
            .map(|(end, workload)| {
                let pid = workload.sidecar_process().with_context(|| format!("{} has ended", workload.pod().name()))?;
                Ok(ProxyProcess { end, pid })
            })
            .collect()
    }

    /// Only the sidecar's user may use it: the traffic of all others is captured. The server's sidecar accepts the
    /// identity from anywhere, but the certificate is the client's, so it is used in the client's pod.
    fn cold(&self) -> Result<Option<(SocketAddr, Cold)>> {
        let authority = self.ends.service;
        let (identity, roots) = (self.fetch_identity()?, self.publish_roots()?);
        let cold = Cold { dialect: Dialect::Tunnel, identity, roots, authority };
        Ok(Some((SocketAddr::new(authority.ip(), BETWEEN_PORT), cold)))
    }

    fn log(&self) -> String {
        let logs = [&self.client, &self.server].map(|end| format!("{}:\n{}", end.pod().name(), end.log()));
        logs.join("\n")
    }
}

/// A workload with its pod, its socket and its capture; its sidecar does not run yet.
fn workload(mesh: &Mesh, node: &Node, name: &str) -> Result<Workload> {
    let mut workload = node.workload_without_sidecar(mesh.operator(), &format!("ns/bench/sa/{name}"), LABEL)?;
    workload.capture()?;
    // One of the kernel's parameters is there only in a pod whose traffic is captured.
    pods::prepare(workload.pod())?;
    workload.add_flags(FLAGS);
    Ok(workload)
}

const LABEL: &str = "internal";
/// 10,000 idle connections at 100 for each tunnel need 100 tunnels; the default is 64.
const FLAGS: &[&str] = &["--max-tunnels-per-peer", "128"];
/// Where the agent's socket is in each pod.
const SOCKET: &str = "/run/bulkhead/agent/api.sock";
