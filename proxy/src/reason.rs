//! Why connections and handshakes end, as one word each: for counters and for the log.

use std::io;

use crate::copy::{Ended, How};
use crate::plain::PlainEnd;
use crate::subject::Cut;

/// Why a connection ended or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Both sides finished, and every byte was passed on.
    Finished,
    /// The client reset it, or went away.
    ResetByClient,
    /// The server reset it, or went away.
    ResetByServer,
    /// The tunnel beneath ended.
    TunnelEnded,
    /// A cutoff covers the peer.
    Revoked,
    /// The peer's issuer is accepted no more.
    IssuerRetired,
    /// A certificate beneath it ended.
    Expired,
    /// The policy allows it no more.
    DeniedLater,
    /// The CA was silent for longer than the policy allows.
    Stale,
    /// The proxy ends.
    Drained,
    /// The policy does not allow it.
    Denied,
    /// There is no own certificate yet, or no policy.
    NotReady,
    /// Nobody is known at the address.
    UnknownAddress,
    /// What is at the address could not be learned in time.
    NotResolved,
    /// The service has no such port, or no endpoint of it is ready.
    NoEndpoint,
    /// It would lead back to the proxy itself.
    Loop,
    /// A peer named a target that it may not.
    BadTarget,
    /// The destination did not take the connection.
    Unreachable,
    /// Whoever answered is not who the directory says lives there, or is not believed.
    PeerNotBelieved,
    /// The peer's proxy refused it.
    RefusedByPeer,
    /// More tunnels would be needed than may be open.
    TooManyTunnels,
    /// The task that carried it was dropped.
    Abandoned,
}

/// Why a handshake, or the beginning of a tunnel after it, failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeFailure {
    /// Nothing, or not enough, was said in time.
    Timeout,
    /// What was said is not TLS 1.3, or not HTTP/2 after it.
    Protocol,
    /// The peer's certificate is not believed.
    PeerNotBelieved,
    /// The peer was believed, and the truth changed meanwhile.
    Void,
    /// The connection ended: also what a client sees whose certificate the peer does not believe.
    Lost,
    /// There is no own certificate yet.
    NotReady,
    /// As many tunnels as may be are open.
    TooMany,
}

impl Reason {
    /// As one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::ResetByClient => "reset-by-client",
            Self::ResetByServer => "reset-by-server",
            Self::TunnelEnded => "tunnel-ended",
            Self::Revoked => "revoked",
            Self::IssuerRetired => "issuer-retired",
            Self::Expired => "expired",
            Self::DeniedLater => "denied-later",
            Self::Stale => "stale",
            Self::Drained => "drained",
            Self::Denied => "denied",
            Self::NotReady => "not-ready",
            Self::UnknownAddress => "unknown-address",
            Self::NotResolved => "not-resolved",
            Self::NoEndpoint => "no-endpoint",
            Self::Loop => "loop",
            Self::BadTarget => "bad-target",
            Self::Unreachable => "unreachable",
            Self::PeerNotBelieved => "peer-not-believed",
            Self::RefusedByPeer => "refused-by-peer",
            Self::TooManyTunnels => "too-many-tunnels",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether this is the proxy's own doing, so that somebody may want to know.
    pub const fn is_refusal(self) -> bool {
        !matches!(self, Self::Finished | Self::ResetByClient | Self::ResetByServer | Self::TunnelEnded | Self::Drained)
    }
}

impl HandshakeFailure {
    /// What a failed TLS handshake was, beyond a peer that is not believed.
    pub fn of(error: &io::Error) -> Self {
        match error.kind() {
            // What rustls says of bytes that are no TLS, or of an alert.
            io::ErrorKind::InvalidData => Self::Protocol,
            _ => Self::Lost,
        }
    }

    /// As one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::PeerNotBelieved => "peer-not-believed",
            Self::Void => "void",
            Self::Lost => "lost",
            Self::NotReady => "not-ready",
            Self::TooMany => "too-many",
        }
    }
}

/// How a connection that was carried ended.
#[derive(Clone, Debug)]
pub struct End {
    /// As one word.
    pub reason: Reason,
    /// As a sentence, where the word does not say it all.
    pub detail: Option<String>,
}

impl End {
    /// Of a copy at the client's sidecar, where the application is the client.
    pub fn outbound(ended: Ended<Cut>) -> Self {
        Self::of_copy(ended, Reason::ResetByClient, Reason::ResetByServer)
    }

    /// Of a copy at the server's sidecar, where the application is the server.
    pub fn inbound(ended: Ended<Cut>) -> Self {
        Self::of_copy(ended, Reason::ResetByServer, Reason::ResetByClient)
    }

    /// Of a copy without a tunnel.
    pub fn plain(end: PlainEnd<Cut>) -> Self {
        match end {
            PlainEnd::Finished => Reason::Finished.into(),
            PlainEnd::ResetByClient => Reason::ResetByClient.into(),
            PlainEnd::ResetByServer => Reason::ResetByServer.into(),
            PlainEnd::Cut(cut) => cut.into(),
        }
    }

    fn of_copy(ended: Ended<Cut>, by_application: Reason, by_peer: Reason) -> Self {
        match ended.how {
            How::Finished => Reason::Finished.into(),
            How::ResetByApplication => by_application.into(),
            How::ResetByPeer(code) => Self { reason: by_peer, detail: Some(format!("HTTP/2 code {code:#x}")) },
            How::TunnelEnded => Reason::TunnelEnded.into(),
            How::Cut(cut) => cut.into(),
        }
    }
}

impl From<Reason> for End {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

impl From<Cut> for End {
    fn from(cut: Cut) -> Self {
        Self { reason: Reason::from(&cut), detail: Some(cut.to_string()) }
    }
}

impl From<&Cut> for Reason {
    fn from(cut: &Cut) -> Self {
        match cut {
            Cut::CutOff(_) => Self::Revoked,
            Cut::IssuerRetired => Self::IssuerRetired,
            Cut::Expired => Self::Expired,
            Cut::Denied(_) => Self::DeniedLater,
            Cut::Stale => Self::Stale,
            Cut::NoPolicy | Cut::NoIdentity => Self::NotReady,
            Cut::Drained => Self::Drained,
        }
    }
}
