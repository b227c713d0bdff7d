//! A service: a virtual address in front of every instance of a workload.

use std::net::IpAddr;

use bulkhead_mesh::{ServiceName, WorkloadName};
use serde::Serialize;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// The virtual address.
    pub address: IpAddr,
    /// The virtual port.
    pub port: u16,
    /// Whose instances answer there.
    pub workload: WorkloadName,
    /// The port at which they answer.
    pub target_port: u16,
    /// How many instances answer now.
    pub endpoints: u32,
}
