//! Why there is no tunnel to a peer.

use std::io;
use std::time::Duration;

use bulkhead_identity::PeerError;
use bulkhead_identity::tls::SlotError;

use crate::reason::{HandshakeFailure, Reason};
use crate::subject::Cut;
use crate::tunnel::{Closed, StartError};

/// Why there is no tunnel to a peer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LinkError {
    #[error("the peer's proxy cannot be connected to")]
    Connect(#[source] io::Error),
    #[error("the peer's proxy did not finish its handshake within {} ms", .limit.as_millis())]
    Timeout { limit: Duration },
    #[error("whoever answers is not believed")]
    Peer(#[source] PeerError),
    #[error("the handshake left nobody to speak to")]
    Slot(#[source] SlotError),
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("the peer's proxy did not begin the tunnel, as it does with a client that it does not believe")]
    Start(#[source] StartError),
    #[error("{0}")]
    Void(Cut),
    #[error("{tunnels} tunnels to this peer are full, and no more may be open")]
    TunnelsPerPeer { tunnels: usize },
    #[error("tunnels to {peers} peers are in use, and no more may be open")]
    Peers { peers: usize },
    #[error("the own certificate cannot be shown")]
    Own(#[source] rustls::Error),
}

impl LinkError {
    /// Whether the directory's entry may be out of date: whoever answered proved to be somebody else.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Peer(PeerError::Entry(_)))
    }

    /// As one word, of the connection that needed the tunnel.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Connect(_) | Self::Timeout { .. } | Self::Handshake(_) => Reason::Unreachable,
            Self::Peer(_) | Self::Slot(_) => Reason::PeerNotBelieved,
            Self::Start(_) => Reason::RefusedByPeer,
            Self::Void(cut) => cut.into(),
            Self::TunnelsPerPeer { .. } | Self::Peers { .. } => Reason::TooManyTunnels,
            Self::Own(_) => Reason::NotReady,
        }
    }

    /// As one word, of the handshake; `None` where there was none.
    pub fn handshake(&self) -> Option<HandshakeFailure> {
        match self {
            Self::Connect(_) | Self::TunnelsPerPeer { .. } | Self::Peers { .. } | Self::Own(_) => None,
            Self::Timeout { .. } | Self::Start(StartError::Timeout { .. }) => Some(HandshakeFailure::Timeout),
            Self::Peer(_) => Some(HandshakeFailure::PeerNotBelieved),
            Self::Slot(_) | Self::Start(StartError::Ended(Closed::Protocol { .. })) => Some(HandshakeFailure::Protocol),
            Self::Handshake(error) => Some(HandshakeFailure::of(error)),
            Self::Start(StartError::Ended(_)) => Some(HandshakeFailure::Lost),
            Self::Void(_) => Some(HandshakeFailure::Void),
        }
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Peer(error) => error.hint(),
            Self::TunnelsPerPeer { .. } => Some("`--max-tunnels-per-peer` sets how many"),
            Self::Peers { .. } => Some("`--max-peers` sets how many"),
            _ => None,
        }
    }
}
