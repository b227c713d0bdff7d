//! `bulkhead-ca serve`: opens keys and records, listens, and keeps its own certificates fresh until it is stopped.

mod connection;
mod control;
mod error;
mod housekeeping;
mod port;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{AdminPort, SharedClock, Stop, Subject};
use bulkhead_identity::Truth;
use bulkhead_mesh::{CutoffSet, Levels};
use bulkhead_protocol::transport::AcceptLimits;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use error::ServeError;

use crate::authority::Authority;
use crate::begin;
use crate::ca::{Ca, Known, Settings};
use crate::evidence::{Kubernetes, labels};
use crate::fanout::Fanout;
use crate::metrics::Metrics;
use crate::seal::Unsealer;
use crate::store::{Limits, Store};
use control::{ControlLeaves, SharedAcceptor};
use port::Port;

/// What `serve` is told.
#[derive(Debug)]
pub struct Options {
    /// The directory that `init` made.
    pub directory: PathBuf,
    /// Opens its keys.
    pub unsealer: Unsealer,
    /// Where nodes, workloads and operators reach it.
    pub listen: SocketAddr,
    /// The port with `/live`, `/ready` and `/metrics`.
    pub admin: SocketAddr,
    /// Whether that may be another than a loopback address.
    pub expose_admin: bool,
    /// The cluster whose pods prove themselves here, if there is one.
    pub kubernetes: Option<Kubernetes>,
    /// What goes into tokens and certificates, and what a watcher may cost.
    pub settings: Settings,
    /// What strangers may cost.
    pub strangers: StrangerLimits,
    /// How long calls under way may take to end once the CA is stopped.
    pub drain: Duration,
}

/// What callers may cost who have not shown a certificate.
#[derive(Clone, Copy, Debug)]
pub struct StrangerLimits {
    /// Until their handshake is over.
    pub accept: AcceptLimits,
    /// Connections that may stand without a certificate at a time; a further one is closed.
    pub connections: usize,
    /// The share of one source address in them.
    pub per_address: usize,
    /// How long each of these may stand: time for a Join.
    pub age: Duration,
}

impl Default for StrangerLimits {
    /// 256 connections of 30 s, 16 from one address.
    fn default() -> Self {
        let (accept, age) = (AcceptLimits::default(), Duration::from_secs(30));
        Self { accept, connections: 256, per_address: 16, age }
    }
}

/// The CA with its ports bound and its records open.
#[derive(Debug)]
pub struct Server {
    ca: Arc<Ca>,
    port: Port,
    admin: AdminPort,
    acceptor: SharedAcceptor,
    leaves: ControlLeaves,
    drain: Duration,
}

/// Serves until stopped, then lets calls under way end.
pub async fn serve(options: Options, clock: SharedClock, stop: Stop) -> Result<(), ServeError> {
    Server::bind(options, clock, stop).await?.run().await
}

impl Server {
    /// Opens keys and records and binds the ports; nobody is answered yet.
    pub async fn bind(options: Options, clock: SharedClock, stop: Stop) -> Result<Self, ServeError> {
        let Options { directory, unsealer, listen, admin, expose_admin, kubernetes, settings, strangers, drain } =
            options;
        let authority = Authority::load(&directory, &unsealer)?;
        let store = Store::open(&begin::records(&directory), Limits::default())?;
        let leaves = ControlLeaves::issue(&authority, &store, clock.now()).await?;
        let known = Arc::new(Known::new(nothing_yet(&authority)));
        let fanout = Fanout::load(&store, &known, authority.feed_signer()?, leaves.feed_chain(), clock.now()).await?;
        let metrics = Metrics::default();
        let (kubernetes, listing) = (kubernetes.map(Arc::new), watch::Sender::new(None));
        let ca = Arc::new(Ca { store, authority, fanout, known, kubernetes, listing, clock, metrics, settings, stop });
        let acceptor = SharedAcceptor::new(&ca, &leaves)?;
        let port = Port::bind(listen, strangers).await?;
        let admin = if expose_admin { AdminPort::bind_exposed(admin).await? } else { AdminPort::bind(admin).await? };
        Ok(Self { ca, port, admin, acceptor, leaves, drain })
    }

    /// Where nodes, workloads and operators reach it.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where `/live`, `/ready` and `/metrics` are.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// What it serves.
    pub fn ca(&self) -> &Arc<Ca> {
        &self.ca
    }

    /// Serves until stopped, then lets calls under way end.
    pub async fn run(self) -> Result<(), ServeError> {
        let (listen, admin, trust_domain) = (self.address(), self.admin_address(), self.ca.authority.trust_domain());
        tracing::info!(%listen, %admin, %trust_domain, "serving");
        let Self { ca, port, admin, acceptor, leaves, drain } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.serve(Arc::new(AdminSubject(Arc::clone(&ca))), ca.stop.clone()));
        tasks.spawn(follow(Arc::clone(&ca)));
        tasks.spawn(until_stopped(control::keep_fresh(Arc::clone(&ca), acceptor.clone(), leaves), ca.stop.clone()));
        tasks.spawn(until_stopped(labels::follow(Arc::clone(&ca)), ca.stop.clone()));
        tasks.spawn(until_stopped(housekeeping::run(Arc::clone(&ca)), ca.stop.clone()));
        let served = port.serve(&ca, acceptor, drain).await;
        // A server that ended by itself leaves nothing running behind it.
        tasks.shutdown().await;
        ca.store.close().await;
        served
    }
}

/// Before the first fact is read nobody is believed but the authority's own issuers.
fn nothing_yet(authority: &Authority) -> Truth {
    Truth { levels: Levels::default(), issuers: authority.issuers(), cutoffs: CutoffSet::default() }
}

async fn follow(ca: Arc<Ca>) {
    ca.fanout.follow(Arc::clone(&ca), ca.stop.clone()).await;
}

async fn until_stopped(work: impl Future<Output = ()>, stop: Stop) {
    tokio::select! {
        () = work => {}
        () = stop.stopped() => {}
    }
}

struct AdminSubject(Arc<Ca>);

impl Subject for AdminSubject {
    fn not_ready(&self) -> Option<String> {
        None
    }

    fn metrics(&self) -> String {
        self.0.metrics.encode()
    }
}
