//! What a face asks of its peers.

use std::time::Duration;

use bulkhead_mesh::{ControlRole, Entry, Purpose};

use super::{PeerError, VerifiedPeer};
use crate::{IssuerScope, PurposeKind};

/// The purposes that a face accepts, and, where one certain peer is expected, which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    purposes: IssuerScope,
    expected: Expected,
    grace: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Anyone,
    Purpose(Purpose),
    Entry(Entry),
}

impl Demand {
    /// Anyone whose purpose is one of these.
    pub const fn any_of(purposes: &[PurposeKind]) -> Self {
        Self { purposes: IssuerScope::new(purposes), expected: Expected::Anyone, grace: Duration::ZERO }
    }

    /// Any workload: what the face at 15008 asks.
    pub const fn workload() -> Self {
        Self::any_of(&[PurposeKind::Workload])
    }

    /// The authority in this role: what a client of the CA asks.
    pub fn control(role: ControlRole) -> Self {
        Self { expected: Expected::Purpose(Purpose::Control(role)), ..Self::any_of(&[PurposeKind::Control]) }
    }

    /// The workload that the directory says lives at an address, in every field.
    ///
    /// No certificate satisfies the demand for an entry that is [`Entry::Plain`].
    pub fn entry(entry: Entry) -> Self {
        Self { expected: Expected::Entry(entry), ..Self::workload() }
    }

    /// Accepts a node's certificate for this long after it has expired; no other purpose is accepted late.
    ///
    /// For the face that renews nodes, and no other: a node that was off for a while comes back under its name.
    #[must_use]
    pub const fn with_grace_for_expired_nodes(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long after its end a node's certificate is still accepted.
    pub(super) const fn grace(&self) -> Duration {
        self.grace
    }

    pub(super) fn check(&self, peer: &VerifiedPeer) -> Result<(), PeerError> {
        if !self.purposes.includes(PurposeKind::of(peer.purpose())) {
            return Err(PeerError::Purpose { id: peer.id().clone(), demanded: self.purposes });
        }
        match &self.expected {
            Expected::Purpose(purpose) if purpose != peer.purpose() => {
                Err(PeerError::AnotherPeer { id: peer.id().clone(), expected: purpose.clone() })
            }
            Expected::Entry(entry) => {
                entry.matches(peer.credential()).map_err(|mismatch| PeerError::Entry(Box::new(mismatch)))
            }
            _ => Ok(()),
        }
    }
}
