//! A proxy's knowledge in memory: a CA that the test is, streams of two channels, a disk, and a clock that is paused.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::Stopper;
use bulkhead_mesh::{Mode, Policy};
use bulkhead_protocol::feed::{Limits, Position};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::directory::{Directory, DirectoryLimits};
use crate::disk::HeldFile;
use crate::feed::Feed;
use crate::identity_source::{Identities, Own, Svid};
use crate::live::Seat;
use crate::registry::Registry;
use crate::subject::{Cut, Kind, Subject};
use crate::testing::ca::{Switchboard, TestCa, Watcher};
use crate::testing::certificates::{LIFETIME, Mesh, NOW, Shown};
use crate::testing::clock::TestClocks;
use crate::testing::{own, peer, policy, svid};
use crate::truth::Truth;

/// Everything of a proxy that the feed touches.
pub(super) struct World {
    pub(super) mesh: Arc<Mesh>,
    pub(super) clocks: Arc<TestClocks>,
    pub(super) ca: TestCa,
    pub(super) truth: Arc<Truth>,
    pub(super) registry: Registry,
    pub(super) directory: Directory,
    pub(super) svid: watch::Sender<Option<Arc<Svid>>>,
    pub(super) own: watch::Sender<Option<Arc<Own>>>,
    pub(super) unwelcome: watch::Receiver<Option<Arc<Svid>>>,
    pub(super) calls: mpsc::UnboundedReceiver<Watcher>,
    /// The directory lives as long as who writes to it.
    _disk: Disk,
    stopper: Stopper,
    task: JoinHandle<()>,
}

/// What is told to a proxy before it starts.
pub(super) struct Setting {
    pub(super) mesh: Arc<Mesh>,
    pub(super) disk: Disk,
    pub(super) label: &'static str,
    pub(super) mode: Mode,
    pub(super) earlier: Duration,
    /// How far the wall clock is behind when the proxy starts.
    pub(super) behind: Duration,
}

/// A directory that outlives the proxy.
#[derive(Clone)]
pub(super) struct Disk(Arc<TempDir>);

impl Disk {
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Setting {
    pub(super) fn new() -> Self {
        let disk = Disk(Arc::new(tempfile::tempdir().unwrap()));
        Self {
            mesh: Arc::new(Mesh::new()),
            disk,
            label: "internal",
            mode: Mode::Strict,
            earlier: Duration::ZERO,
            behind: Duration::ZERO,
        }
    }

    /// The same host, some time later.
    pub(super) fn after(&self, earlier: Duration) -> Self {
        Self {
            mesh: Arc::clone(&self.mesh),
            disk: self.disk.clone(),
            label: self.label,
            mode: self.mode,
            earlier,
            behind: Duration::ZERO,
        }
    }

    pub(super) fn start(&self) -> World {
        self.start_in(self.disk.path())
    }

    pub(super) fn start_in(&self, state: &Path) -> World {
        let (mesh, clocks, truth) = (Arc::clone(&self.mesh), TestClocks::after(self.earlier), Truth::new());
        clocks.set_back(self.behind);
        let shown = mesh.workload("web", "n1", self.label);
        let identity = svid(&mesh, &shown, 1);
        let (own, owns) = watch::channel(Some(own(&identity)));
        let (svid, svids) = watch::channel(Some(identity));
        let registry = Registry::new(Arc::clone(&truth), owns.clone(), clocks.clone()).in_mode(self.mode);
        let (dial, calls) = Switchboard::new();
        let unwelcome = watch::Sender::new(None);
        let unwelcomed = unwelcome.subscribe();
        let (directory, desk) = Directory::new(DirectoryLimits::default());
        let feed = Feed {
            dial: Box::new(dial),
            identities: Identities { svid: svids, own: owns, obstacle: watch::channel(None).1, unwelcome },
            truth: Arc::clone(&truth),
            registry: registry.clone(),
            clocks: clocks.clone(),
            desk,
            file: HeldFile::new(state),
            version: "0.1.0".into(),
            limits: Limits::default(),
        };
        let (stopper, stop) = Stopper::new();
        let ca = TestCa::new(&mesh, &clocks);
        let task = tokio::spawn(feed.run(stop));
        World {
            mesh,
            clocks,
            ca,
            truth,
            registry,
            directory,
            svid,
            own,
            unwelcome: unwelcomed,
            calls,
            _disk: self.disk.clone(),
            stopper,
            task,
        }
    }
}

impl World {
    /// A proxy that has heard this policy and has acknowledged it.
    pub(super) async fn following(setting: &Setting, rules: &str) -> (Self, Watcher) {
        let mut world = setting.start();
        let position = world.begin(&policy(rules));
        let watcher = world.greeted(position).await;
        (world, watcher)
    }

    pub(super) fn begin(&mut self, policy: &Arc<Policy>) -> Position {
        let mesh = Arc::clone(&self.mesh);
        self.ca.begin(&mesh, policy)
    }

    /// The next stream, told everything, once it has acknowledged this position.
    pub(super) async fn greeted(&mut self, position: Position) -> Watcher {
        let mut watcher = self.call().await;
        watcher.greet(&mut self.ca).await;
        watcher.acknowledgement(position).await;
        watcher
    }

    /// The next stream.
    pub(super) async fn call(&mut self) -> Watcher {
        self.calls.recv().await.unwrap()
    }

    pub(super) fn db(&self, node: &str) -> Shown {
        self.mesh.workload("db", node, "internal")
    }

    /// Waits until everything up to here is known, whether or not it is enforced.
    pub(super) async fn known(&self, position: Position) {
        while self.truth.load().position != Some(position) {
            tokio::task::yield_now().await;
        }
    }

    /// Somebody on this node with the label `internal` connects to us.
    pub(super) fn enter(&self, node: &str) -> Result<Seat<Subject, Cut>, Cut> {
        self.enter_as(&self.db(node), 5432)
    }

    pub(super) fn enter_as(&self, shown: &Shown, port: u16) -> Result<Seat<Subject, Cut>, Cut> {
        let subject = Subject { peer: Some(peer(&self.mesh, shown)), kind: Kind::Inbound { port } };
        self.registry.enter(subject).map(|(seat, _)| seat)
    }

    /// Another certificate of ours, with this label.
    pub(super) fn relabel(&self, label: &str) {
        let identity = svid(&self.mesh, &self.mesh.workload_until("web", "n1", label, NOW.plus(LIFETIME)), 2);
        self.own.send_replace(Some(own(&identity)));
        self.svid.send_replace(Some(identity));
    }

    /// Keeps the CA's heart beating for so long.
    pub(super) async fn live_on(&self, watcher: &mut Watcher, how_long: Duration) {
        let end = tokio::time::Instant::now() + how_long;
        while tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(500)).await;
            watcher.heartbeat(&self.ca).await;
        }
    }

    pub(super) async fn stop(self) {
        self.stopper.stop();
        self.task.await.unwrap();
    }
}

/// Why this is cut, as a word, once it is.
pub(super) async fn cut_of(seat: &Seat<Subject, Cut>) -> &'static str {
    seat.cut().await.as_str()
}

/// Whether the watcher says nothing while everything else has come to rest. The clock is paused, so this waits for
/// all other work to be done, and then not at all.
pub(super) async fn is_silent(watcher: &mut Watcher) -> bool {
    timeout(Duration::from_millis(900), watcher.requests.recv()).await.is_err()
}
