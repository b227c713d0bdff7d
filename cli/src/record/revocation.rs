//! A revocation, and the receipt of who enforces it.

use bulkhead_mesh::{Epoch, InstanceId, NodeName, WorkloadName};
use serde::Serialize;

use super::{Moment, Position};

/// A node that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// The node.
    pub node: NodeName,
    /// The life that ended, with every one before it.
    pub epoch: Epoch,
    /// The CA's commit.
    pub committed: Moment,
    /// The cutoff's place among the mesh facts.
    pub position: Position,
    /// Who enforces it; `null` when nobody waited for it, or when none arrived.
    pub receipt: Option<Receipt>,
}

/// Who enforced a revocation by a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Living instances that are not bound to the revoked node.
    pub expected: u32,
    /// Those of them that say that they enforce it.
    pub enforced: u32,
    /// From the commit to the latest acknowledgement.
    pub elapsed_millis: u64,
    /// Connections that were closed by it.
    pub connections_closed: u64,
    /// Whether all of them enforce it, so that nobody is silent.
    pub complete: bool,
    /// Those that have said nothing.
    pub silent: Vec<Silent>,
}

/// An instance that has not said that it enforces a revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// The instance.
    pub instance: InstanceId,
    /// Its account.
    pub workload: WorkloadName,
    /// The node that it stands on.
    pub node: NodeName,
    /// Until when it may go on talking to the revoked node.
    pub exposed_until: Moment,
}
