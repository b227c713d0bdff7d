//! A registration: what an operator says stands on a host, or a pod that proved itself.

use std::fmt;
use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Label, NodeEpoch, NodeName, ServiceName, Timestamp, WorkloadName};

use super::words::words;

/// One workload instance on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationRecord {
    /// The instance, fixed by the CA: drawn for an operator's, a pod's UID for a pod's.
    pub id: InstanceId,
    /// Who says so.
    pub source: Source,
    /// The account it runs as.
    pub workload: WorkloadName,
    /// Its sensitivity.
    pub label: Label,
    /// The life of the node that it stands on.
    pub node: NodeEpoch,
    /// The address that it owns; never an IPv4 address written as IPv6.
    pub address: IpAddr,
    /// Who may open the workload's socket; nobody looks at a pod's, which has none.
    pub uid: u32,
    /// With which group.
    pub gid: u32,
    /// When an operator registered it, or the pod had its first certificate.
    pub registered_at: Timestamp,
    /// Whether it still counts.
    pub state: RegistrationState,
}

words! {
    /// Who says that a workload stands on a node.
    Source {
        /// An operator; the node's agent asks for its certificates.
        Operator = "operator",
        /// The pod itself, by a token of its cluster; it asks for its own certificates.
        Pod = "pod",
    }
}

/// Whether a registration still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// It owns its address, and its node may ask for its certificates.
    Registered,
    /// Its node was revoked; it owns nothing any more and is kept for whoever asks what stood there.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// Who owns an address already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressOwner {
    /// A registered workload.
    Workload {
        /// Its account.
        workload: WorkloadName,
        /// Where it stands.
        node: NodeName,
        /// Which copy it is.
        instance: InstanceId,
    },
    /// A service.
    Service(ServiceName),
}

impl fmt::Display for AddressOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload { workload, node, instance } => {
                write!(f, "`{workload}` on node `{node}` (instance {instance})")
            }
            Self::Service(name) => write!(f, "service `{name}`"),
        }
    }
}
