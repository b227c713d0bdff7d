//! A node's record: which life it is in, what it may run, and which of its certificates are current.

use std::fmt;
use std::net::IpAddr;

use bulkhead_cluster::Uid;
use bulkhead_mesh::{Label, Levels, NodeEpoch, NodeName, Reason, Serial, SpkiDigest, Timestamp};

/// One node, from its admission on; the row outlives a revocation, so that the name cannot come back unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Its name and which of its lives this is.
    pub life: NodeEpoch,
    /// Which labels its workloads may have.
    pub clearance: Clearance,
    /// Whether an operator said so, for this node or for the one whose name it has; otherwise its cluster did.
    pub is_ordered: bool,
    /// The addresses that its token named; none when it named none.
    pub addresses: Vec<IpAddr>,
    /// The public key of its latest join or renewal.
    pub key: SpkiDigest,
    /// When it was first admitted in this life.
    pub admitted_at: Timestamp,
    /// Whether the CA serves it.
    pub state: NodeState,
    /// The certificate that it was last seen to use; `None` until it used one.
    pub current_serial: Option<Serial>,
    /// The certificate that was issued to it last and that it has not used yet.
    pub next_serial: Option<Serial>,
    /// The UID of its object in its cluster; `None` for one that joined by a join token.
    pub cluster_uid: Option<Uid>,
}

/// An operator's word that whoever proves to be this node of a cluster is to be let in, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOrder {
    /// The name.
    pub node: NodeName,
    /// Which labels it may run.
    pub clearance: Clearance,
    /// Whether whoever said so may let a node run more than it may already.
    pub may_loosen: bool,
    /// The first moment at which it is worth nothing.
    pub expires: Timestamp,
}

/// Which labels a node may run: those that the ceiling dominates and, where there is a floor, that dominate the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    /// The highest label.
    pub ceiling: Label,
    /// The lowest label; `None` for the bottom of the lattice.
    pub floor: Option<Label>,
}

/// Whether the CA serves a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It does.
    Admitted,
    /// Not for now; an operator can release it.
    Quarantined {
        /// Since when.
        at: Timestamp,
        /// In the words of whoever did it.
        reason: Reason,
    },
    /// Never again in this life.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// In the words of whoever did it.
        reason: Reason,
    },
}

/// What a node asks to be admitted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The name, from the evidence.
    pub node: NodeName,
    /// Which labels it may run, from the evidence.
    pub clearance: Clearance,
    /// Whether an operator said so.
    pub is_ordered: bool,
    /// The addresses that the evidence names.
    pub addresses: Vec<IpAddr>,
    /// The key of its request.
    pub key: SpkiDigest,
    /// The CA's time.
    pub at: Timestamp,
    /// Whether an admitted node may change its key by this: only when an operator vouches for it by a token, and the
    /// token is taken for the first time ([`super::Taken::again`] is false): else the key that a newer token replaced
    /// could bring itself back with its own, older token.
    pub may_rekey: bool,
    /// The UID of its object in its cluster, when the evidence is the cluster's.
    pub cluster_uid: Option<Uid>,
}

/// Which of a node's certificates was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The current one.
    Current,
    /// The one issued last, for the first time: it is the current one from now on.
    Next,
    /// One that a newer one has replaced in use: two machines hold this node's identity.
    Superseded,
}

impl Clearance {
    /// Whether a workload with this label may run here; a label of an unknown level may run nowhere.
    pub fn allows(&self, label: &Label, levels: &Levels) -> bool {
        let above_floor = |floor| levels.dominates(label, floor);
        levels.dominates(&self.ceiling, label) && self.floor.as_ref().is_none_or(above_floor)
    }

    /// Whether this allows no label that the other one does not.
    pub fn is_within(&self, other: &Self, levels: &Levels) -> bool {
        let above = |floor: &Label| self.floor.as_ref().is_some_and(|own| levels.dominates(own, floor));
        levels.dominates(&other.ceiling, &self.ceiling) && other.floor.as_ref().is_none_or(above)
    }
}

impl fmt::Display for Clearance {
    /// `confidential:pci`, or `internal..confidential:pci` with a floor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.floor.as_ref().map_or(Ok(()), |floor| write!(f, "{floor}.."))?;
        self.ceiling.fmt(f)
    }
}

impl NodeState {
    /// `admitted`, `quarantined` or `revoked`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Quarantined { .. } => "quarantined",
            Self::Revoked { .. } => "revoked",
        }
    }
}
