//! Connections to this workload: in tunnels from other proxies, on port 15008.
//!
//! One connection's way, from top to bottom: the tunnel it comes in is verified ([`handshake`]) and entered in the
//! index; the connection is entered in the index; it is decided; its target is checked; the application is connected;
//! bytes are copied. What comes without a tunnel goes [`plain`]'s way.

mod handshake;
mod plain;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_daemon::{Stop, chain};
use bulkhead_identity::VerifiedPeer;
use bulkhead_mesh::Direction;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::accepting::accept_each;
use crate::addresses::check_target;
use crate::copy::copy;
use crate::reason::{End, HandshakeFailure};
use crate::record::{Path, Record};
use crate::refused::Refused;
use crate::sidecar::{Accepted, Entered, Sidecar};
use crate::socket::Listener;
use crate::subject::{Kind, Subject};
use crate::tunnel::server::H2Incoming;
use crate::tunnel::{Acceptor, Arrival, H2Stream, Incoming, Malformed, Refusal, TunnelLimits};
use handshake::{HandshakeError, Tunnelled};

/// Serves what comes to this workload.
#[derive(Debug)]
pub struct Inbound {
    sidecar: Arc<Sidecar>,
    /// Handshakes that may still begin: strangers use these up, and nothing else.
    handshakes: Arc<Semaphore>,
    /// Tunnels that may still be accepted.
    places: Arc<Semaphore>,
}

impl Inbound {
    /// Nothing has come yet.
    pub fn new(sidecar: Arc<Sidecar>) -> Arc<Self> {
        let handshakes = Arc::new(Semaphore::new(sidecar.limits.handshakes));
        let places = Arc::new(Semaphore::new(sidecar.limits.tunnels_accepted));
        Arc::new(Self { sidecar, handshakes, places })
    }

    /// Accepts tunnels until stopped, then waits for those that are open to end.
    pub async fn listen(self: Arc<Self>, listener: Listener, stop: Stop) {
        let serve = |stream, from| Arc::clone(&self).tunnel(stream, from, stop.clone());
        accept_each(listener, &self.sidecar.metrics, &stop, serve).await;
    }

    /// One tunnel, from the peer's first byte to the last connection in it.
    pub async fn tunnel(self: Arc<Self>, stream: TcpStream, from: SocketAddr, stop: Stop) {
        let stream = Accepted::new(stream);
        let Ok(handshake) = Arc::clone(&self.handshakes).try_acquire_owned() else {
            return self.too_many();
        };
        // In a box of its own: a handshake needs much memory, and is over soon.
        let accepted = Box::pin(handshake::accept(&self.sidecar, stream)).await;
        drop(handshake);
        match accepted {
            Ok(tunnel) => {
                // Only who has proved to be somebody takes a place.
                let Ok(_place) = Arc::clone(&self.places).try_acquire_owned() else {
                    return self.too_many();
                };
                self.serve_tunnel(tunnel, from, stop).await;
            }
            Err(error) => self.not_a_tunnel(&error, from),
        }
    }

    fn too_many(&self) {
        self.sidecar.metrics.handshake_refused(Direction::Inbound, HandshakeFailure::TooMany);
    }

    async fn serve_tunnel(self: Arc<Self>, tunnel: Tunnelled, from: SocketAddr, stop: Stop) {
        let Tunnelled { peer, seat, mut acceptor } = tunnel;
        let open = self.sidecar.metrics.tunnel(Direction::Inbound);
        tracing::debug!(direction = "inbound", peer = %peer.id(), %from, "tunnel opened");
        let control = acceptor.control().clone();
        let mut connections = JoinSet::new();
        let most = most_connections(&self.sidecar.limits.tunnel);
        let (mut cut, mut draining) = (false, false);
        loop {
            tokio::select! {
                biased;
                why = seat.cut(), if !cut => {
                    cut = true;
                    tracing::info!(
                        direction = "inbound", peer = %peer.id(), %from, reason = why.as_str(), detail = %why, "tunnel cut"
                    );
                    control.cut();
                }
                () = stop.stopped(), if !draining => {
                    draining = true;
                    control.drain();
                }
                Some(_) = connections.join_next() => {}
                arrival = acceptor.accept() => match arrival {
                    // Not left waiting in the tunnel: to accept is also what moves its bytes.
                    Some(Arrival::Request(request)) if connections.len() >= most => request.decline(),
                    Some(Arrival::Request(request)) => {
                        connections.spawn(Arc::clone(&self).connection(Arc::clone(&peer), from, request));
                    }
                    Some(Arrival::Malformed(malformed)) => self.malformed(&malformed, &peer, from),
                    None => break,
                },
            }
        }
        // The socket goes first, then the place in the index: a revocation is acknowledged when the places are gone.
        drop(acceptor);
        drop(seat);
        drop(open);
        while connections.join_next().await.is_some() {}
    }

    /// One connection in a tunnel, with its line in the log.
    pub(crate) async fn connection(self: Arc<Self>, peer: Arc<VerifiedPeer>, from: SocketAddr, request: H2Incoming) {
        let mut record = Record::open(&self.sidecar.metrics, Direction::Inbound, from);
        record.claimed_from(request.connect().client);
        record.peer(&peer);
        record.to(request.connect().target);
        let outcome = self.serve(peer, request, &mut record).await;
        record.close(outcome);
    }

    /// One connection in a tunnel, from the peer's CONNECT to the last byte.
    async fn serve(
        &self,
        peer: Arc<VerifiedPeer>,
        mut request: H2Incoming,
        record: &mut Record,
    ) -> Result<End, Refused> {
        let target = request.connect().target;
        record.route(Path::Tunnel, target);
        let admitted = tokio::select! {
            biased;
            // A reset frees the peer's place in the tunnel at once: what it asked for must not outlive it.
            source = poll_fn(|cx| request.poll_broken(cx)) => Err(Refused::ClientGone { source }),
            admitted = Box::pin(self.admit(peer, target, record)) => admitted,
        };
        let (entered, app) = match admitted {
            Ok(admitted) => admitted,
            Err(refused) => {
                request.refuse(status(&refused));
                return Err(refused);
            }
        };
        let stream: H2Stream = request.accept().map_err(|source| Refused::ClientGone { source })?;
        let ended = copy(app.into_inner(), stream, record.counts(), entered.seat.cut()).await;
        // `entered` goes last: both sides are closed by now.
        drop(entered);
        Ok(End::inbound(ended))
    }

    /// Enter, decide, check the target, connect: in this order, see [`crate::live`].
    async fn admit(
        &self,
        peer: Arc<VerifiedPeer>,
        target: SocketAddr,
        record: &mut Record,
    ) -> Result<(Entered, Accepted), Refused> {
        record.own(&self.sidecar.own()?);
        let subject = Subject { peer: Some(peer), kind: Kind::Inbound { port: target.port() } };
        let entered = self.sidecar.enter(subject, record)?;
        check_target(target, &self.sidecar.addresses, &self.sidecar.closed)?;
        let app = entered.connect(target, self.sidecar.limits.connect).await?;
        Ok((entered, Accepted::new(app)))
    }

    fn not_a_tunnel(&self, error: &HandshakeError, from: SocketAddr) {
        let failure = error.failure();
        self.sidecar.metrics.handshake_refused(Direction::Inbound, failure);
        tracing::info!(
            direction = "inbound", %from, reason = failure.as_str(), detail = chain(error), hint = error.hint(), "no tunnel"
        );
    }

    fn malformed(&self, malformed: &Malformed, peer: &VerifiedPeer, from: SocketAddr) {
        self.sidecar.metrics.malformed();
        tracing::info!(direction = "inbound", peer = %peer.id(), %from, detail = chain(malformed), "malformed request");
    }
}

/// Connections of one tunnel that may be alive here: as many as the peer may have open, and as many again whose streams
/// have ended and which still hand on what they have received.
fn most_connections(limits: &TunnelLimits) -> usize {
    usize::try_from(limits.streams_accepted).unwrap_or(usize::MAX).saturating_mul(2)
}

/// What the peer is told: enough for its log, nothing about the mesh.
fn status(refused: &Refused) -> Refusal {
    match refused {
        Refused::Target(_) => Refusal::BadTarget,
        Refused::Unreachable { .. } | Refused::TooSlow { .. } | Refused::NoIdentity | Refused::NoPolicy => {
            Refusal::Unreachable
        }
        _ => Refusal::Denied,
    }
}
