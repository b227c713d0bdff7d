//! A node as the CA has it on record.

use bulkhead_mesh::{Epoch, NodeName, Serial};
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
