//! `bulkhead-ca serve`: opens keys and records, listens, and keeps its own certificates fresh until it is stopped.

mod control;
mod error;
mod housekeeping;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{AdminPort, SharedClock, Stop, Subject};
use bulkhead_identity::{AcceptedIssuers, Truth};
use bulkhead_mesh::{CutoffSet, Levels};
use bulkhead_protocol::transport::{AcceptLimits, Refused, incoming};
use bulkhead_protocol::v1::admin_server::AdminServer;
use bulkhead_protocol::v1::feed_server::FeedServer;
use bulkhead_protocol::v1::issuance_server::IssuanceServer;
use bulkhead_protocol::v1::join_server::JoinServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::Server;
use tower::Layer;

pub use error::ServeError;

use crate::authority::Authority;
use crate::begin;
use crate::ca::{Ca, Known, Settings};
use crate::caller::{CallerLayer, Operator, RenewingNode, Watcher};
use crate::faces::admin::AdminFace;
use crate::faces::{FeedFace, IssuanceFace, JoinFace};
use crate::fanout::Fanout;
use crate::metrics::Metrics;
use crate::seal::Unsealer;
use crate::store::{Limits, Store};
use control::ControlLeaves;

/// What `serve` is told.
#[derive(Debug)]
pub struct Options {
    /// The directory that `init` made.
    pub directory: PathBuf,
    /// Opens its keys.
    pub unsealer: Unsealer,
    /// Where nodes, workloads and operators reach it.
    pub listen: SocketAddr,
    /// The loopback port with `/live`, `/ready` and `/metrics`.
    pub admin: SocketAddr,
    /// What goes into tokens and certificates.
    pub settings: Settings,
    /// What strangers may cost.
    pub accept: AcceptLimits,
}

/// Serves until stopped, then lets calls under way end.
pub async fn serve(options: Options, clock: SharedClock, stop: Stop) -> Result<(), ServeError> {
    let authority = Authority::load(&options.directory, &options.unsealer)?;
    let store = Store::open(&begin::records(&options.directory), Limits::default())?;
    let leaves = ControlLeaves::issue(&authority, &store, clock.now()).await?;
    let known = Arc::new(Known::new(nothing_yet(&authority)));
    let fanout = Fanout::load(&store, &known, authority.feed_signer()?, leaves.feed_chain(), clock.now()).await?;
    let (settings, metrics) = (options.settings, Metrics::default());
    let ca = Arc::new(Ca { store, authority, fanout, known, clock, metrics, settings });
    let acceptor = control::SharedAcceptor::new(&ca, &leaves)?;
    let listener = bind(options.listen).await?;
    let admin = AdminPort::bind(options.admin).await?;
    tracing::info!(listen = %options.listen, admin = %admin.address(), trust_domain = %ca.authority.trust_domain(), "serving");
    let mut tasks = JoinSet::new();
    tasks.spawn(admin.serve(Arc::new(AdminSubject(Arc::clone(&ca))), stop.clone()));
    tasks.spawn(until_stopped(Arc::clone(&ca).follow(stop.clone()), stop.clone()));
    tasks.spawn(until_stopped(control::keep_fresh(Arc::clone(&ca), acceptor.clone(), leaves), stop.clone()));
    tasks.spawn(until_stopped(housekeeping::run(Arc::clone(&ca)), stop.clone()));
    let served =
        faces(&ca).serve_with_incoming_shutdown(accept(&ca, listener, acceptor, options.accept), stopped(stop));
    let served = served.await.map_err(ServeError::Serve);
    tasks.join_all().await;
    ca.store.close().await;
    served
}

/// Every face behind the layer that tells who calls; Join itself refuses callers that have a certificate.
fn faces(ca: &Arc<Ca>) -> tonic::transport::server::Router {
    let issuance = IssuanceServer::new(IssuanceFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE);
    let feed = FeedServer::new(FeedFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE);
    let admin = AdminServer::new(AdminFace(Arc::clone(ca))).max_decoding_message_size(POLICY_MESSAGE);
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(JoinServer::new(JoinFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE))
        .add_service(CallerLayer::<RenewingNode>::new(ca).layer(issuance))
        .add_service(CallerLayer::<Watcher>::new(ca).layer(feed))
        .add_service(CallerLayer::<Operator>::new(ca).layer(admin))
}

fn accept(
    ca: &Arc<Ca>,
    listener: TcpListener,
    acceptor: control::SharedAcceptor,
    limits: AcceptLimits,
) -> impl tokio_stream::Stream<Item = std::io::Result<bulkhead_protocol::transport::Accepted>> + Send + Unpin + use<> {
    let ca = Arc::clone(ca);
    incoming(
        listener,
        move || acceptor.current(),
        limits,
        move |address, refused: Refused| {
            ca.metrics.refused_handshakes.inc();
            tracing::info!(%address, reason = &refused as &dyn std::error::Error, "handshake refused");
        },
    )
}

/// Before the first fact is read nobody is believed but the authority's own issuers.
fn nothing_yet(authority: &Authority) -> Truth {
    let issuers: AcceptedIssuers = authority.issuers();
    Truth { levels: Levels::default(), issuers, cutoffs: CutoffSet::default() }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

async fn stopped(stop: Stop) {
    stop.stopped().await;
}

async fn until_stopped(work: impl Future<Output = ()>, stop: Stop) {
    tokio::select! {
        () = work => {}
        () = stop.stopped() => {}
    }
}

impl Ca {
    async fn follow(self: Arc<Self>, stop: Stop) {
        self.fanout.follow(Arc::clone(&self), stop).await;
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

/// Requests of nodes and watchers: a certificate request is the largest of them.
const SMALL_MESSAGE: usize = 64 * 1024;
/// A policy, and what goes around it.
const POLICY_MESSAGE: usize = crate::policy_file::MAX_BYTES + 64 * 1024;
const STREAMS_PER_CONNECTION: u32 = 100;
const KEEPALIVE: Duration = Duration::from_secs(10);
