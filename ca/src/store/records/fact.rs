//! Facts of the feed as the store keeps them: numbered, signed, and opaque.

use bulkhead_mesh::{OperatorName, Timestamp};

use super::words::words;

/// A point in the history of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which history: a CA restored from a backup begins another one, with a greater number.
    pub incarnation: u64,
    /// How many facts that history has had; 0 before the first.
    pub n: u64,
}

/// One fact, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRecord {
    /// Its number.
    pub position: Position,
    /// What it is about.
    pub kind: FactKind,
    /// What was signed, and by which signature.
    pub signed: SignedBody,
    /// The last moment at which it says anything; `None` for ever.
    pub bound: Option<Timestamp>,
}

/// A body and the signature over its position and itself; the store looks into neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBody {
    /// The bytes that were signed.
    pub body: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

words! {
    /// What a fact is about.
    FactKind {
        /// The policy; the newest replaces those before it.
        Policy = "policy",
        /// The accepted issuers; the newest set replaces those before it.
        Issuers = "issuers",
        /// A cutoff; in force until its bound or a lift.
        Cutoff = "cutoff",
        /// Takes a cutoff back.
        Lift = "lift",
    }
}

impl FactKind {
    /// Whether a new fact of this kind replaces every one before it.
    pub const fn replaces(self) -> bool {
        matches!(self, Self::Policy | Self::Issuers)
    }
}

/// A policy that was applied, as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// The fact that told the mesh.
    pub position: Position,
    /// The document, as text.
    pub document: String,
    /// Who applied it; `None` for the one that the CA began with.
    pub applied_by: Option<OperatorName>,
    /// When.
    pub applied_at: Timestamp,
}
