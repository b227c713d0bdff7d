//! From a peer's TCP connection to a tunnel: TLS, the peer's certificate, the index, the beginning of HTTP/2.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::tls::{Acceptor as TlsFace, PeerSlot, SlotError};
use bulkhead_identity::{PeerError, VerifiedPeer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::live::Seat;
use crate::reason::HandshakeFailure;
use crate::sabotage;
use crate::sidecar::{Accepted, Sidecar};
use crate::socket::{self, Purpose};
use crate::subject::{Cut, Kind, Subject};
use crate::tunnel::server::{self, H2Acceptor};
use crate::tunnel::{Closed, StartError, Transport};

/// A tunnel whose peer was verified, and which stands in the index.
pub(super) struct Tunnelled {
    pub(super) peer: Arc<VerifiedPeer>,
    pub(super) seat: Seat<Subject, Cut>,
    pub(super) acceptor: H2Acceptor<TlsStream<TcpStream>>,
}

/// Makes a tunnel of a connection, each step within its deadline.
pub(super) async fn accept(sidecar: &Sidecar, stream: Accepted) -> Result<Tunnelled, HandshakeError> {
    let limit = sidecar.limits.handshake;
    let shaken = timeout(limit, shake(sidecar, stream)).await;
    let (stream, peer) = shaken.map_err(|_| HandshakeError::Timeout { limit })??;
    let peer = Arc::new(peer);
    // In the index before the truth is read again: what changed during the handshake is seen now, what comes later
    // finds the tunnel.
    let subject = Subject { peer: Some(Arc::clone(&peer)), kind: Kind::Tunnel };
    let entered = sidecar.registry.enter(subject);
    let (seat, _) = entered.map_err(|cut| abruptly(&stream, HandshakeError::Void(cut)))?;
    let begun = tokio::select! {
        biased;
        cut = seat.cut() => Err(HandshakeError::Void(cut)),
        begun = server::start(stream, &sidecar.limits.tunnel) => begun.map_err(HandshakeError::Start),
    };
    Ok(Tunnelled { peer, seat, acceptor: begun? })
}

async fn shake(sidecar: &Sidecar, stream: Accepted) -> Result<(TlsStream<TcpStream>, VerifiedPeer), HandshakeError> {
    let own = sidecar.own.borrow().clone().ok_or(HandshakeError::NotReady)?;
    let face = TlsFace::new(&own.identity, sidecar.trust(&own), sabotage::demand(), &[b"h2"]);
    let (config, slot) = face.map_err(HandshakeError::Own)?.begin();
    let stream = stream.into_inner();
    socket::prepare(&stream, Purpose::Tunnel).map_err(HandshakeError::Tls)?;
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => verified(stream, slot),
        Err(error) => Err(slot.refusal().map_or(HandshakeError::Tls(error), HandshakeError::Peer)),
    }
}

fn verified(
    stream: TlsStream<TcpStream>,
    slot: PeerSlot,
) -> Result<(TlsStream<TcpStream>, VerifiedPeer), HandshakeError> {
    match slot.take(stream.get_ref().1) {
        Ok(peer) => Ok((stream, peer)),
        Err(SlotError::Refused(error)) => Err(abruptly(&stream, HandshakeError::Peer(error))),
        Err(error) => Err(abruptly(&stream, HandshakeError::Slot(error))),
    }
}

fn abruptly(stream: &TlsStream<TcpStream>, error: HandshakeError) -> HandshakeError {
    stream.reset_on_drop();
    error
}

/// Why a connection became no tunnel.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("this workload has no certificate yet")]
    NotReady,
    #[error("the own certificate cannot be shown")]
    Own(#[source] rustls::Error),
    #[error("the peer did not finish its handshake within {} ms", .limit.as_millis())]
    Timeout { limit: Duration },
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the peer is not believed")]
    Peer(#[source] PeerError),
    #[error("the handshake left nobody to speak to")]
    Slot(#[source] SlotError),
    #[error("{0}")]
    Void(Cut),
    #[error("the peer did not begin the tunnel")]
    Start(#[source] StartError),
}

impl HandshakeError {
    /// As one word.
    pub(super) fn failure(&self) -> HandshakeFailure {
        match self {
            Self::NotReady | Self::Own(_) => HandshakeFailure::NotReady,
            Self::Timeout { .. } | Self::Start(StartError::Timeout { .. }) => HandshakeFailure::Timeout,
            Self::Tls(error) => HandshakeFailure::of(error),
            Self::Peer(_) => HandshakeFailure::PeerNotBelieved,
            Self::Void(_) => HandshakeFailure::Void,
            Self::Slot(_) | Self::Start(StartError::Ended(Closed::Protocol { .. })) => HandshakeFailure::Protocol,
            Self::Start(StartError::Ended(_)) => HandshakeFailure::Lost,
        }
    }

    /// What the reader can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Peer(error) => error.hint(),
            Self::Timeout { .. } => Some("`--handshake-timeout` sets how long"),
            _ => None,
        }
    }
}
