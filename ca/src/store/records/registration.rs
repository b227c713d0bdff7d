//! A registration: what an operator says stands on a host.

use std::fmt;
use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Label, NodeEpoch, NodeName, ServiceName, Timestamp, WorkloadName};

/// One workload instance on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationRecord {
    /// The instance, fixed by the CA.
    pub id: InstanceId,
    /// The account it runs as.
    pub workload: WorkloadName,
    /// Its sensitivity.
    pub label: Label,
    /// The life of the node that it stands on.
    pub node: NodeEpoch,
    /// The address that it owns; never an IPv4 address written as IPv6.
    pub address: IpAddr,
    /// Who may open the workload's socket.
    pub uid: u32,
    /// With which group.
    pub gid: u32,
    /// When an operator registered it.
    pub registered_at: Timestamp,
    /// Whether it still counts.
    pub state: RegistrationState,
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
