//! The one port of the CA: every face behind the layer that tells who calls.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stop, chain};
use bulkhead_protocol::transport::{Refused, incoming};
use bulkhead_protocol::v1::admin_server::AdminServer;
use bulkhead_protocol::v1::attestation_server::AttestationServer;
use bulkhead_protocol::v1::directory_server::DirectoryServer;
use bulkhead_protocol::v1::feed_server::FeedServer;
use bulkhead_protocol::v1::issuance_server::IssuanceServer;
use bulkhead_protocol::v1::join_server::JoinServer;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::transport::server::{Connected as _, Router};
use tower::Layer;

use super::connection::{Connection, Guests};
use super::control::SharedAcceptor;
use super::{ServeError, StrangerLimits};
use crate::ca::Ca;
use crate::caller::{CallerLayer, DirectorySource, Operator, RenewingNode, Watcher};
use crate::faces::admin::AdminFace;
use crate::faces::{AttestationFace, DirectoryFace, FeedFace, IssuanceFace, JoinFace};

/// The port, bound.
#[derive(Debug)]
pub(super) struct Port {
    listener: TcpListener,
    address: SocketAddr,
    limits: StrangerLimits,
}

impl Port {
    pub(super) async fn bind(address: SocketAddr, limits: StrangerLimits) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, limits })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until stopped, then for at most `drain` more: a peer that does not close its connection holds up nothing.
    pub(super) async fn serve(self, ca: &Arc<Ca>, acceptor: SharedAcceptor, drain: Duration) -> Result<(), ServeError> {
        let connections = self.connections(ca, acceptor);
        let served = faces(ca).serve_with_incoming_shutdown(connections, stopped(ca.stop.clone()));
        tokio::select! {
            served = served => served.map_err(ServeError::Serve),
            () = drained(ca.stop.clone(), drain) => {
                tracing::warn!(?drain, "connections that did not end are dropped");
                Ok(())
            }
        }
    }

    fn connections(
        self,
        ca: &Arc<Ca>,
        acceptor: SharedAcceptor,
    ) -> impl Stream<Item = io::Result<Connection>> + Send + Unpin + use<> {
        let (guests, refusing, crowded) = (Guests::new(self.limits), Arc::clone(ca), Arc::clone(ca));
        let accepted = incoming(
            self.listener,
            move || acceptor.current(),
            self.limits.accept,
            move |address, refused| refuse(&refusing, address, &refused),
        );
        accepted.filter_map(move |accepted| match accepted {
            Ok(accepted) => {
                let address = accepted.connect_info().address;
                guests.receive(accepted).inspect_err(|reason| turn_away(&crowded, address, reason)).ok().map(Ok)
            }
            Err(error) => Some(Err(error)),
        })
    }
}

fn refuse(ca: &Ca, address: SocketAddr, refused: &Refused) {
    if let Refused::Crowded { .. } = refused {
        return turn_away(ca, address, refused);
    }
    ca.metrics.refused_handshakes.inc();
    tracing::info!(%address, reason = chain(refused), "handshake refused");
}

/// Nothing is cheaper for a caller than to come once too often, so the log has a line for it only if it is asked for.
fn turn_away(ca: &Ca, address: SocketAddr, reason: &dyn std::error::Error) {
    ca.metrics.refused_handshakes.inc();
    tracing::debug!(%address, reason = chain(reason), "no place for a connection");
}

/// Every face behind the layer that tells who calls; Join and Attestation themselves refuse callers that have a
/// certificate.
fn faces(ca: &Arc<Ca>) -> Router {
    let issuance = IssuanceServer::new(IssuanceFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE);
    let feed = FeedServer::new(FeedFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE);
    let admin = AdminServer::new(AdminFace(Arc::clone(ca))).max_decoding_message_size(POLICY_MESSAGE);
    let attestation = AttestationServer::new(AttestationFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE);
    let directory = DirectoryServer::new(DirectoryFace(Arc::clone(ca))).max_decoding_message_size(DIRECTORY_MESSAGE);
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(JoinServer::new(JoinFace(Arc::clone(ca))).max_decoding_message_size(SMALL_MESSAGE))
        .add_service(attestation)
        .add_service(CallerLayer::<DirectorySource>::new(ca).layer(directory))
        .add_service(CallerLayer::<RenewingNode>::new(ca).layer(issuance))
        .add_service(CallerLayer::<Watcher>::new(ca).layer(feed))
        .add_service(CallerLayer::<Operator>::new(ca).layer(admin))
}

async fn stopped(stop: Stop) {
    stop.stopped().await;
}

async fn drained(stop: Stop, drain: Duration) {
    stop.stopped().await;
    tokio::time::sleep(drain).await;
}

/// Requests of nodes and watchers: a certificate request is the largest of them.
const SMALL_MESSAGE: usize = 64 * 1024;
/// A change of the directory: a thousand pods, or a service of many ports with all the endpoints that one may have.
const DIRECTORY_MESSAGE: usize = 16 << 20;
/// A policy, and what goes around it.
const POLICY_MESSAGE: usize = crate::policy_file::MAX_BYTES + 64 * 1024;
const STREAMS_PER_CONNECTION: u32 = 100;
const KEEPALIVE: Duration = Duration::from_secs(10);
