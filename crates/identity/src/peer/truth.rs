//! What is known of the mesh at the moment of a handshake.

use std::collections::BTreeSet;

use bulkhead_mesh::{CutoffSet, Levels, SpkiDigest};

/// The facts that decide whether a well-signed certificate is believed.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The mesh's levels: a label of any other is refused.
    pub levels: Levels,
    /// The intermediates whose signatures count.
    pub issuers: AcceptedIssuers,
    /// The certificates that are void.
    pub cutoffs: CutoffSet,
}

/// Which intermediates' signatures count, by the digest of their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedIssuers {
    /// These and no others, as the feed says.
    Listed(BTreeSet<SpkiDigest>),
    /// Whichever the root has signed: for the first contact, when only the root is known. Scope and cutoffs still
    /// hold; from the first snapshot on, use [`AcceptedIssuers::Listed`].
    AnyBelowRoot,
}

impl AcceptedIssuers {
    /// Whether the issuer with this key counts.
    pub fn include(&self, issuer: &SpkiDigest) -> bool {
        match self {
            Self::Listed(digests) => digests.contains(issuer),
            Self::AnyBelowRoot => true,
        }
    }
}

impl FromIterator<SpkiDigest> for AcceptedIssuers {
    fn from_iter<I: IntoIterator<Item = SpkiDigest>>(digests: I) -> Self {
        Self::Listed(digests.into_iter().collect())
    }
}
