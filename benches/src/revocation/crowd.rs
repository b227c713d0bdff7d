//! Everybody who watches, and stays from the first run to the last.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_lab::{Host, Lab, Process, binaries, until};
use bulkhead_tests::programs::Programs;
use bulkhead_tests::{DEADLINE, Mesh, Node, Workload, mesh};

use crate::stop::Stop;

/// How many proxies watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// All of them.
    pub proxies: u32,
    /// Of them, real sidecars with a connection.
    pub real: u32,
}

/// A mesh with so many proxies.
pub(super) struct Crowd {
    // Dropped in this order: the CA last.
    pub(super) sidecars: Vec<Workload>,
    _watchers: Process,
    _nodes: Vec<Node>,
    /// `bench-watchers`, where every user of the lab may start it.
    pub(super) program: String,
    pub(super) size: Size,
    pub(super) mesh: Mesh,
}

impl Crowd {
    /// Registers everybody, starts everybody, and waits until all have acknowledged what is in force; none if somebody
    /// wants an end before.
    pub(super) fn assemble(size: Size, stop: &Stop, progress: &mut dyn FnMut(&str)) -> Result<Option<Self>> {
        bulkhead_lab::rights::ensure()?;
        let lab = Arc::new(Lab::new()?);
        let program = lab.install(&binaries::find("bench-watchers")?)?.to_string_lossy().into_owned();
        let mesh = serve(Arc::clone(&lab))?;
        let Size { proxies, real } = size;
        progress(&format!("starting {real} sidecars"));
        let home = mesh.node("home", "internal")?;
        let sidecar = |number| home.workload(mesh.operator(), &format!("ns/bench/sa/sidecar-{number}"), "internal");
        let sidecars = (0..real).take_while(|_| !stop.is_wanted()).map(sidecar).collect::<Result<Vec<_>>>()?;
        let watching = proxies.saturating_sub(real);
        progress(&format!("registering {watching} watchers"));
        let (mut nodes, sockets) = register(&mesh, watching, stop)?;
        if stop.is_wanted() {
            return Ok(None);
        }
        progress(&format!("starting {watching} watchers"));
        let watchers = start(&mesh, &lab.host("watchers")?, &program, &sockets)?;
        nodes.push(home);
        let crowd = Self { sidecars, _watchers: watchers, _nodes: nodes, program, size, mesh };
        if stop.is_wanted() {
            return Ok(None);
        }
        crowd.until_all_watch(proxies)?;
        Ok(Some(crowd))
    }

    /// Waits until the CA counts so many streams.
    pub(super) fn until_all_watch(&self, streams: u32) -> Result<()> {
        until(DEADLINE, &format!("{streams} proxies watch the feed"), || match self.streams() {
            Ok(found) if found == u64::from(streams) => Ok(()),
            Ok(found) => Err(format!("{found}")),
            Err(error) => Err(format!("{error:#}")),
        })?;
        Ok(())
    }

    fn streams(&self) -> Result<u64> {
        self.mesh.operator().json(&["status"])?["watchers"].as_u64().context("the CA says how many watch")
    }
}

fn serve(lab: Arc<Lab>) -> Result<Mesh> {
    let programs = Programs::install_product(&lab)?;
    let mut mesh = Mesh::found_in(lab, programs, "")?;
    mesh.start_ca()?;
    mesh.operator().apply_policy(mesh::POLICY)?;
    Ok(mesh)
}

/// So many workloads on as many nodes as they need, and where the socket of each will be; fewer if somebody wants an
/// end.
fn register(mesh: &Mesh, watchers: u32, stop: &Stop) -> Result<(Vec<Node>, Vec<PathBuf>)> {
    let nodes = (0..watchers.div_ceil(ON_A_NODE)).take_while(|_| !stop.is_wanted());
    let nodes = nodes.map(|number| node(mesh, number)).collect::<Result<Vec<_>>>()?;
    let numbers: Vec<u32> = (0..watchers).collect();
    let share = numbers.len().div_ceil(AT_ONCE).max(1);
    let sockets = thread::scope(|scope| {
        let register_some = |some: &[u32]| {
            let numbers = some.iter().take_while(|_| !stop.is_wanted());
            numbers.map(|number| register_one(mesh, &nodes, *number)).collect()
        };
        let threads: Vec<_> = numbers.chunks(share).map(|some| scope.spawn(move || register_some(some))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<Vec<PathBuf>>>>()
    })?;
    Ok((nodes, sockets.concat()))
}

/// A node whose sockets are in the lab's directory, where one process can open those of all nodes.
fn node(mesh: &Mesh, number: u32) -> Result<Node> {
    let sockets = mesh.lab().directory().join(format!("w{number}"));
    mesh.node_with_sockets(&format!("watching-{number}"), "internal", &sockets)
}

fn register_one(mesh: &Mesh, nodes: &[Node], number: u32) -> Result<PathBuf> {
    let at = usize::try_from(number / ON_A_NODE).unwrap_or(usize::MAX);
    let node = nodes.get(at).context("every watcher has its node")?;
    // An address of the mesh that no pod has, for nobody connects to a watcher.
    let (account, address) = (format!("ns/bench/sa/watcher-{number}"), format!("fd77:1::{:x}", number + 1));
    let words = ["workload", "register", "--workload", &account, "--node", node.name(), "--address", &address];
    // One process holds them all, as root of the lab.
    let registered =
        mesh.operator().json(&[&words[..], &["--label", "internal", "--uid", "0", "--gid", "0"]].concat())?;
    Ok(node.socket(registered["id"].as_str().context("a registration has an id")?))
}

fn start(mesh: &Mesh, host: &Host, program: &str, sockets: &[PathBuf]) -> Result<Process> {
    let list = mesh.lab().directory().join("sockets");
    let lines: Vec<_> = sockets.iter().map(|socket| socket.to_string_lossy()).collect();
    fs::write(&list, lines.join("\n"))?;
    let watch = host.command(program).args(["watch", mesh.operator().ca()]).arg(&list);
    let watchers = watch.spawn("watchers")?;
    watchers.wait_for_log(&format!("watching {}", sockets.len()), PATIENCE)?;
    Ok(watchers)
}

/// As many as an agent has descriptors for under the usual limit, several times over.
const ON_A_NODE: u32 = 250;
/// Registrations under way at a time.
const AT_ONCE: usize = 4;
/// For a thousand certificates, handshakes and first snapshots on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
