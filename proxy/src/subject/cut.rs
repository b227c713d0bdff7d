//! Why a connection is ended that neither side wanted to end.

use std::fmt;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Refusal};

/// Why something was cut, or not let in; printed, it is the sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer's certificate is void.
    CutOff(Arc<Cutoff>),
    /// The issuer of the peer's certificate is accepted no longer.
    IssuerRetired,
    /// The certificate of one of the two sides has ended.
    Expired,
    /// The policy does not allow it, or no longer.
    Denied(Refusal),
    /// The CA has been silent for longer than this workload's level allows.
    Stale,
    /// There is no policy.
    NoPolicy,
    /// This workload has no certificate.
    NoIdentity,
    /// The proxy is stopping.
    Drained,
}

impl Cut {
    /// The reason as one word, for logs and counters.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CutOff(_) => "revoked",
            Self::IssuerRetired => "issuer-retired",
            Self::Expired => "expired",
            Self::Denied(_) => "denied",
            Self::Stale => "stale",
            Self::NoPolicy => "no-policy",
            Self::NoIdentity => "no-identity",
            Self::Drained => "drained",
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff(cutoff) => cutoff.fmt(f),
            Self::Denied(refusal) => refusal.fmt(f),
            Self::IssuerRetired => f.write_str("the issuer of the peer's certificate is accepted no longer"),
            Self::Expired => f.write_str("a certificate has ended"),
            Self::Stale => f.write_str("the CA has been silent for longer than the level of this workload allows"),
            Self::NoPolicy => f.write_str("no policy is known, so nothing passes"),
            Self::NoIdentity => f.write_str("this workload has no certificate, so nothing passes"),
            Self::Drained => f.write_str("the proxy is stopping"),
        }
    }
}
