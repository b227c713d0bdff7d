//! Workloads: what an operator registered, and what became of it.

use std::net::IpAddr;

use bulkhead_mesh::{Epoch, InstanceId, Label, NodeName, Serial, WorkloadName};
use serde::Serialize;

use super::{Moment, Word};

/// A workload that stands on a node by an operator's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// The registration, which is the workload's instance: what `workload remove` takes.
    pub id: InstanceId,
    /// The account.
    pub workload: WorkloadName,
    /// The label that the CA decided.
    pub label: Label,
    /// The node.
    pub node: NodeName,
    /// The address that it owns.
    pub address: IpAddr,
    /// The user that may open its socket.
    pub uid: u32,
    /// The group that may open its socket.
    pub gid: u32,
}

/// A registration with its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// What was registered.
    #[serde(flatten)]
    pub registration: Registration,
    /// The life of the node to which it is bound.
    pub epoch: Epoch,
    /// `registered` (no certificate yet), `issued` or `revoked`.
    pub state: Word,
    /// The serial of its newest certificate; `null` before the first.
    pub serial: Option<Serial>,
    /// When that certificate ends.
    pub expires: Option<Moment>,
}

/// A registration that is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedWorkload {
    /// Which it was.
    pub removed: InstanceId,
}
