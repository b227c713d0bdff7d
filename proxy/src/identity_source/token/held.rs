//! A certificate that this workload holds: what a chain must be before it is shown to anybody.

use std::sync::Arc;

use bulkhead_identity::tls::{OwnIdentity, OwnIdentityError};
use bulkhead_identity::{
    self as identity, AcceptedIssuers, Demand, Limits, PeerError, StoredIdentity, TrustBundle, Verifier,
};
use bulkhead_mesh::{Credential, Cutoff, CutoffSet, SpiffeId, Timestamp};
use bulkhead_protocol::renewal::Lifetime;

use crate::identity_source::own::any_level;
use crate::identity_source::{OwnError, Svid};

/// A key with the chain for it, verified as a peer would.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) stored: StoredIdentity,
    pub(super) svid: Svid,
    credential: Credential,
}

/// What a chain is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standard<'a> {
    pub(super) bundle: &'a Arc<TrustBundle>,
    /// The only name that is taken, where it is known beforehand.
    pub(super) expected: Option<&'a SpiffeId>,
    pub(super) cutoffs: &'a CutoffSet,
    pub(super) now: Timestamp,
}

impl Held {
    /// Takes a workload's chain for this very key, below the roots, valid now and not cut off.
    ///
    /// Which intermediates the mesh accepts is not asked: the CA may have begun with a new one of which this proxy has
    /// not heard. Peers ask it.
    pub(super) fn new(stored: StoredIdentity, standard: Standard<'_>) -> Result<Self, HeldError> {
        let truth = identity::Truth {
            levels: any_level(),
            issuers: AcceptedIssuers::AnyBelowRoot,
            cutoffs: CutoffSet::default(),
        };
        let (demand, limits) = (Demand::workload(), Limits::default());
        let verifier = Verifier { bundle: standard.bundle, demand: &demand, truth: &truth, limits: &limits };
        let peer = verifier.verify(&stored.chain, standard.now)?;
        let id = peer.id().clone();
        if peer.key() != stored.key.digest() {
            return Err(HeldError::AnotherKey { id });
        }
        if let Some(expected) = standard.expected.filter(|expected| **expected != id) {
            return Err(HeldError::AnotherName { id, expected: expected.clone() });
        }
        let credential = peer.credential().clone();
        if let Some(cutoff) = standard.cutoffs.voids(&credential) {
            return Err(HeldError::CutOff { cutoff: Box::new(cutoff.clone()) });
        }
        let identity = OwnIdentity::new(stored.chain.clone(), &stored.key)?;
        let svid = Svid::new(identity, Arc::clone(standard.bundle))?;
        Ok(Self { stored, svid, credential })
    }

    /// From its issue to its end.
    pub(super) fn lifetime(&self) -> Lifetime {
        Lifetime { not_before: self.credential.issued_at, not_after: self.credential.not_after }
    }

    /// What has made it void, if anything has.
    pub(super) fn cutoff<'a>(&self, cutoffs: &'a CutoffSet) -> Option<&'a Cutoff> {
        cutoffs.voids(&self.credential)
    }
}

/// Why a chain is not this workload's.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum HeldError {
    #[error("the chain is not that of a workload of this mesh")]
    Chain(#[from] PeerError),
    #[error("the certificate of `{id}` is for another key")]
    AnotherKey { id: SpiffeId },
    #[error("the certificate is for `{id}`, not for `{expected}`")]
    AnotherName { id: SpiffeId, expected: SpiffeId },
    #[error("the certificate is void: {cutoff}")]
    CutOff { cutoff: Box<Cutoff> },
    #[error("chain and key cannot be shown to a peer")]
    Identity(#[from] OwnIdentityError),
    #[error("the certificate is not that of a workload")]
    Own(#[from] OwnError),
}

impl HeldError {
    /// Whether it never was what it should be; else another time or other roots may be to blame.
    pub(super) const fn is_damage(&self) -> bool {
        match self {
            Self::Chain(error) => {
                matches!(error, PeerError::Certificate(_) | PeerError::Leaf(_) | PeerError::NoCertificate)
            }
            Self::AnotherKey { .. } | Self::Identity(_) | Self::Own(_) => true,
            Self::AnotherName { .. } | Self::CutOff { .. } => false,
        }
    }

    /// What the reader can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Chain(error) => error.hint(),
            Self::AnotherName { .. } => Some("`--spiffe-id` must name the account of the pod, or be left out"),
            _ => None,
        }
    }
}
