//! Registrations between the wire and the types of the mesh.

use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Label, NodeName, WorkloadName};

use super::{ConvertError, address_bytes, read_address, read_bytes, read_text};
use crate::v1;

/// A workload that an operator says stands on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The registration, which is the workload's instance.
    pub id: InstanceId,
    /// Its account.
    pub workload: WorkloadName,
    /// Its label, which the CA decided.
    pub label: Label,
    /// The node that it stands on.
    pub node: NodeName,
    /// The address that it owns.
    pub address: IpAddr,
    /// The user that may open its socket.
    pub uid: u32,
    /// The group that may open its socket.
    pub gid: u32,
}

impl TryFrom<v1::Registration> for Registration {
    type Error = ConvertError;

    fn try_from(message: v1::Registration) -> Result<Self, Self::Error> {
        Ok(Self {
            id: InstanceId::from_bytes(read_bytes("registration.id", &message.id)?),
            workload: read_text("registration.workload", &message.workload)?,
            label: read_text("registration.label", &message.label)?,
            node: read_text("registration.node", &message.node)?,
            address: read_address("registration.address", &message.address)?,
            uid: message.uid,
            gid: message.gid,
        })
    }
}

impl From<Registration> for v1::Registration {
    fn from(registration: Registration) -> Self {
        Self {
            id: registration.id.as_bytes().to_vec(),
            workload: registration.workload.to_string(),
            label: registration.label.to_string(),
            node: registration.node.to_string(),
            address: address_bytes(registration.address),
            uid: registration.uid,
            gid: registration.gid,
        }
    }
}
