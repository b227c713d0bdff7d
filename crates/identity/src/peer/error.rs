//! Why a peer is not believed: what was found, and what was expected.

use std::time::Duration;

use bulkhead_mesh::{Cutoff, Mismatch, Purpose, SpiffeId, SpkiDigest, Timestamp, TrustDomain};

use super::IssuerError;
use crate::IssuerScope;
use crate::certificate::CertificateError;
use crate::profile::LeafError;

/// Why a chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum PeerError {
    #[error("the peer has shown no certificate, and this face demands one")]
    NoCertificate,
    #[error("the peer has shown {certificates} certificates; the limit `certificates` is {limit}")]
    ChainTooLong { certificates: usize, limit: usize },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("the certificate is not valid before {not_before}, and it is {now}")]
    NotYetValid { not_before: Timestamp, now: Timestamp },
    #[error("the certificate ended at {not_after} and a grace of {} s after it, and it is {now}", .grace.as_secs())]
    Expired { not_after: Timestamp, grace: Duration, now: Timestamp },
    #[error("no path leads from the certificate to a root of `{trust_domain}`")]
    Untrusted { trust_domain: TrustDomain, source: webpki::Error },
    #[error("the path from the certificate to the root is not valid")]
    Path { source: webpki::Error },
    #[error("the path has {intermediates} intermediates; it must be leaf, intermediate, root")]
    PathLength { intermediates: usize },
    #[error("the issuer cannot be believed")]
    Issuer(#[from] IssuerError),
    #[error("the issuer {issuer} is valid from {not_before} to {not_after}, and it is {now}")]
    IssuerNotValid { issuer: SpkiDigest, not_before: Timestamp, not_after: Timestamp, now: Timestamp },
    #[error("the issuer {issuer} is none of those that the mesh accepts")]
    IssuerNotAccepted { issuer: SpkiDigest },
    #[error("the issuer {issuer} may sign for {scope}, not for `{id}`")]
    OutOfScope { id: SpiffeId, issuer: SpkiDigest, scope: IssuerScope },
    #[error("the certificate is no leaf of this mesh")]
    Leaf(#[from] LeafError),
    #[error("`{id}` is of another trust domain than `{expected}`")]
    TrustDomain { id: SpiffeId, expected: TrustDomain },
    #[error("`{id}` has not the purpose that is demanded here: {demanded}")]
    Purpose { id: SpiffeId, demanded: IssuerScope },
    #[error("`{id}` has answered in the place of `{expected}`")]
    AnotherPeer { id: SpiffeId, expected: Purpose },
    #[error("the peer is not the one that the directory says lives there")]
    Entry(#[source] Box<Mismatch>),
    #[error("the certificate is void: {cutoff}")]
    CutOff { cutoff: Box<Cutoff> },
}

impl PeerError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotYetValid { .. } => Some("compare the clocks of the two hosts and of the CA"),
            Self::Expired { .. } => Some("the peer's agent could not renew its certificate in time: see its log"),
            Self::Untrusted { .. } => Some("both sides need the trust bundle of the same mesh"),
            Self::IssuerNotAccepted { .. } => Some("the peer must renew its certificate below a current issuer"),
            Self::Leaf(LeafError::Label(_)) => Some("the label's level must be one of the policy's levels"),
            _ => None,
        }
    }
}
