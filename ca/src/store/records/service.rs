//! A service's record, and the service that it is once its endpoints are known.

use std::net::IpAddr;

use bulkhead_mesh::service::ServiceError;
use bulkhead_mesh::{Endpoint, Service, ServiceName, ServicePort, Timestamp, WorkloadName};

use super::RegistrationRecord;

/// A virtual address behind which every living copy of one workload answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRecord {
    /// Its name.
    pub name: ServiceName,
    /// Its virtual address; never an IPv4 address written as IPv6.
    pub address: IpAddr,
    /// The account whose copies answer.
    pub workload: WorkloadName,
    /// The ports that clients call, and where each leads; at least one, each listed once.
    pub ports: Vec<PortTarget>,
    /// When an operator created it.
    pub created_at: Timestamp,
}

/// One port of a service and the port behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortTarget {
    /// The port that clients call, 1 to 65535.
    pub port: u16,
    /// The port on which the workload listens, 1 to 65535.
    pub target: u16,
}

impl ServiceRecord {
    /// The service with these registrations of its workload as endpoints, all ready and of the same weight.
    pub fn resolve(&self, endpoints: &[RegistrationRecord]) -> Result<Service, ServiceError> {
        let answering = |target| {
            let endpoint =
                |copy: &RegistrationRecord| Endpoint { address: copy.address, port: target, weight: 1, ready: true };
            endpoints.iter().map(endpoint).collect()
        };
        let port = |port: &PortTarget| ServicePort { port: port.port, endpoints: answering(port.target) };
        Service::new(self.name.clone(), self.address, self.ports.iter().map(port).collect())
    }
}
