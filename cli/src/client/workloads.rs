//! Registrations of workloads.

use std::net::IpAddr;

use bulkhead_mesh::{Epoch, InstanceId, Label, NodeName, WorkloadName};
use bulkhead_protocol::convert::{self, ConvertError, address_bytes};
use bulkhead_protocol::v1;

use super::{Client, ClientError, ask, read};
use crate::record::{Registration, Workload};

/// What is to be registered.
#[derive(Clone, Debug)]
pub struct NewWorkload {
    /// The account.
    pub workload: WorkloadName,
    /// The node that it stands on.
    pub node: NodeName,
    /// Its label; `None` for the policy's default.
    pub label: Option<Label>,
    /// The address that it owns.
    pub address: IpAddr,
    /// The user that may open its socket.
    pub uid: u32,
    /// The group that may open its socket.
    pub gid: u32,
}

impl Client {
    /// Says that a workload stands on a node.
    pub async fn register_workload(&mut self, new: &NewWorkload) -> Result<Registration, ClientError> {
        let request = v1::RegisterWorkloadRequest {
            workload: new.workload.to_string(),
            node: new.node.to_string(),
            label: new.label.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: address_bytes(new.address),
            uid: new.uid,
            gid: new.gid,
        };
        Ok(registration(ask(self.admin.register_workload(request)).await?)?)
    }

    /// Every registration.
    pub async fn workloads(&mut self) -> Result<Vec<Workload>, ClientError> {
        let reply = ask(self.admin.list_workloads(v1::ListWorkloadsRequest {})).await?;
        Ok(reply.workloads.into_iter().map(workload).collect::<Result<_, _>>()?)
    }

    /// Takes a registration back.
    pub async fn remove_workload(&mut self, id: InstanceId) -> Result<(), ClientError> {
        let request = v1::RemoveWorkloadRequest { registration: id.as_bytes().to_vec() };
        ask(self.admin.remove_workload(request)).await.map(|v1::RemoveWorkloadReply {}| ())
    }
}

fn registration(message: v1::Registration) -> Result<Registration, ConvertError> {
    let convert::Registration { id, workload, label, node, address, uid, gid } = message.try_into()?;
    Ok(Registration { id, workload, label, node, address, uid, gid })
}

fn workload(message: v1::Workload) -> Result<Workload, ConvertError> {
    let missing = ConvertError::Missing { field: "workload.registration" };
    Ok(Workload {
        registration: registration(message.registration.ok_or(missing)?)?,
        epoch: Epoch::new(message.epoch),
        state: read::word("workload.state", &message.state)?,
        serial: read::serial("workload.serial", &message.serial)?,
        expires: read::expires(message.expires_millis),
    })
}
