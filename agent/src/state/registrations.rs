//! Registrations as JSON.

use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Label, NodeName, WorkloadName};
use bulkhead_protocol::convert::Registration;
use serde::{Deserialize, Serialize};

pub(super) fn to_json(registrations: &[Registration]) -> Vec<u8> {
    let registrations = registrations.iter().cloned().map(Entry::from).collect();
    let document = Document { version: VERSION, registrations };
    serde_json::to_vec_pretty(&document).expect("strings and numbers can always be written as JSON")
}

pub(super) fn from_json(bytes: &[u8]) -> Result<Vec<Registration>, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.version != VERSION {
        return Err(format!("it is of version {}, and this agent reads version {VERSION}", document.version));
    }
    Ok(document.registrations.into_iter().map(Registration::from).collect())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    registrations: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: InstanceId,
    workload: WorkloadName,
    label: Label,
    node: NodeName,
    address: IpAddr,
    uid: u32,
    gid: u32,
}

impl From<Registration> for Entry {
    fn from(registration: Registration) -> Self {
        let Registration { id, workload, label, node, address, uid, gid } = registration;
        Self { id, workload, label, node, address, uid, gid }
    }
}

impl From<Entry> for Registration {
    fn from(entry: Entry) -> Self {
        let Entry { id, workload, label, node, address, uid, gid } = entry;
        Self { id, workload, label, node, address, uid, gid }
    }
}

const VERSION: u32 = 1;
