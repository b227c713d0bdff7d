//! Why a connection was not carried: the facts, a sentence, and the one word for the counters.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_mesh::{Refusal, ServiceName};

use crate::addresses::TargetError;
use crate::directory::NotResolved;
use crate::pool::LinkError;
use crate::reason::{End, Reason};
use crate::subject::Cut;
use crate::tunnel::{Broken, OpenError};

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Refused {
    #[error("this workload has no certificate yet")]
    NoIdentity,
    #[error("this workload has not learned the policy yet, and before it nothing passes")]
    NoPolicy,
    #[error("{0}")]
    Denied(Refusal),
    #[error("nothing decides about it")]
    NoDecision,
    #[error("{0}")]
    Void(Cut),
    #[error("{address} is inside the mesh, and nobody is known there")]
    UnknownAddress { address: IpAddr },
    #[error(transparent)]
    NotResolved(#[from] NotResolved),
    #[error("service `{service}` has no port {port}")]
    NoPort { service: ServiceName, port: u16 },
    #[error("no endpoint of service `{service}` is ready on port {port}")]
    NoEndpoint { service: ServiceName, port: u16 },
    #[error("the endpoint {address} of service `{service}` is a service again")]
    Nested { service: ServiceName, address: IpAddr },
    #[error("{to} is a port of the proxy itself")]
    Loop { to: SocketAddr },
    #[error("the kernel does not say where the connection was going; it was not captured")]
    NotCaptured { source: io::Error },
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{to} cannot be connected to")]
    Unreachable { to: SocketAddr, source: io::Error },
    #[error("{to} did not answer within {} ms", .limit.as_millis())]
    TooSlow { to: SocketAddr, limit: Duration },
    #[error("there is no tunnel to {to}")]
    NoTunnel { to: SocketAddr, source: LinkError },
    #[error("the tunnel to {to} did not carry the connection")]
    NoStream { to: SocketAddr, source: OpenError },
    #[error("the client went away before the answer")]
    ClientGone { source: Broken },
}

impl Refused {
    /// As one word.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoIdentity | Self::NoPolicy => Reason::NotReady,
            Self::Denied(_) | Self::NoDecision => Reason::Denied,
            Self::Void(cut) => cut.into(),
            Self::UnknownAddress { .. } => Reason::UnknownAddress,
            Self::NotResolved(_) => Reason::NotResolved,
            Self::NoPort { .. } | Self::NoEndpoint { .. } | Self::Nested { .. } => Reason::NoEndpoint,
            Self::Loop { .. } | Self::NotCaptured { .. } => Reason::Loop,
            Self::Target(_) => Reason::BadTarget,
            Self::Unreachable { .. } | Self::TooSlow { .. } => Reason::Unreachable,
            Self::NoTunnel { source, .. } => source.reason(),
            Self::NoStream { source: OpenError::Refused { .. }, .. } => Reason::RefusedByPeer,
            Self::NoStream { .. } => Reason::TunnelEnded,
            Self::ClientGone { .. } => Reason::ResetByClient,
        }
    }

    /// The name of the rule that refused it.
    pub fn rule(&self) -> Option<String> {
        match self {
            Self::Denied(refusal) => refusal.rule().map(ToString::to_string),
            _ => None,
        }
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Denied(refusal) => refusal.hint(),
            Self::NoIdentity => Some("`--workload-api` must name the socket of this workload's registration"),
            Self::NoPolicy => Some("`--ca` must name the CA; the policy is also kept in `--state-dir`"),
            Self::UnknownAddress { .. } => Some("register the workload, or write `plain` for its address"),
            Self::NotResolved(source) => source.hint(),
            Self::NoTunnel { source, .. } => source.hint(),
            Self::NoStream { source: OpenError::Refused { status: 401 }, .. } => {
                Some("the rule stands in the log of the server's proxy")
            }
            _ => None,
        }
    }
}

impl From<Cut> for Refused {
    /// What the gate to the index says of a connection that it does not let in.
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Denied(refusal) => Self::Denied(refusal),
            Cut::NoPolicy => Self::NoPolicy,
            Cut::NoIdentity => Self::NoIdentity,
            cut => Self::Void(cut),
        }
    }
}

impl From<&Refused> for End {
    fn from(refused: &Refused) -> Self {
        Self { reason: refused.reason(), detail: Some(chain(refused)) }
    }
}
