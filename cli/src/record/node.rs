//! A node as the CA has it on record.

use bulkhead_mesh::{Epoch, Label, NodeName, Serial};
use serde::Serialize;

use super::{Clearance, Moment, Word};

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// Which of its lives this is.
    pub epoch: Epoch,
    /// The labels that its workloads may have.
    pub clearance: Clearance,
    /// `admitted`, `quarantined` or `revoked`.
    pub state: Word,
    /// The serial of its newest certificate; `null` before the first.
    pub serial: Option<Serial>,
    /// When that certificate ends.
    pub expires: Option<Moment>,
}

/// A node of a cluster that is let in when it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeOrder {
    /// Its name.
    pub node: NodeName,
    /// The highest label of which its workloads may be.
    pub clearance: Label,
    /// From when on it is not let in any more.
    pub expires: Moment,
}
