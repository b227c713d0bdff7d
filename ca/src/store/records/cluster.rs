//! What the directory source says stands in a cluster: pods, and services in front of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bulkhead_cluster::PodName;
use bulkhead_mesh::service::ServiceError;
use bulkhead_mesh::{InstanceId, NodeName, Service, ServiceName, ServicePort, Timestamp, WorkloadName};

/// One pod that has an address and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRecord {
    /// Its UID, which is its instance id.
    pub uid: InstanceId,
    /// What people call it.
    pub name: PodName,
    /// The account that it runs as.
    pub workload: WorkloadName,
    /// Where it stands.
    pub node: NodeName,
    /// Its own addresses; never an IPv4 address written as IPv6.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether it has a sidecar.
    pub has_sidecar: bool,
    /// When it was made, by the API server's clock.
    pub created: Timestamp,
    /// Whether it was told to end.
    pub is_leaving: bool,
}

/// One service of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterServiceRecord {
    /// `name.namespace`.
    pub name: ServiceName,
    /// Its cluster addresses; none for a headless one.
    pub addresses: BTreeSet<IpAddr>,
    /// Its ports, each listed once, with their endpoints; none for one without TCP.
    pub ports: Vec<ServicePort>,
}

impl ClusterServiceRecord {
    /// The service at one of its addresses, with the endpoints of that address's family; `None` where it has no port.
    ///
    /// A service has so many endpoints at most, over all its ports: where there are more, the ready ones come first.
    pub fn resolve(mut self, address: IpAddr) -> Result<Option<Service>, ServiceError> {
        if self.ports.is_empty() {
            return Ok(None);
        }
        let share = Service::MAX_ENDPOINTS / self.ports.len();
        for port in &mut self.ports {
            port.endpoints.retain(|endpoint| endpoint.address.is_ipv4() == address.is_ipv4());
            port.endpoints.sort_by_key(|endpoint| !endpoint.ready);
            port.endpoints.truncate(share);
        }
        Service::new(self.name, address, self.ports).map(Some)
    }
}

/// What is to change in the directory at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryChange {
    /// New pods, and those of which something has changed.
    pub pods: Vec<PodRecord>,
    /// Pods that have ended or are gone.
    pub gone_pods: Vec<InstanceId>,
    /// New services, and those of which something has changed.
    pub services: Vec<ClusterServiceRecord>,
    /// Services that are gone.
    pub gone_services: Vec<ServiceName>,
    /// Everything there is has been said in this listing: the rest is gone.
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::Endpoint;

    use super::*;

    #[test]
    fn of_too_many_endpoints_the_ready_ones_are_told() {
        let endpoint = |number: usize, ready| {
            let last = u16::try_from(number).unwrap().to_be_bytes();
            Endpoint { address: [10, 7, last[0], last[1]].into(), port: 80, weight: 1, ready }
        };
        let port =
            |port| ServicePort { port, endpoints: (0..6000).map(|number| endpoint(number, number >= 3000)).collect() };
        let name = "web.shop".parse().unwrap();
        let record = ClusterServiceRecord { name, addresses: BTreeSet::new(), ports: vec![port(80), port(443)] };
        let service = record.resolve([10, 96, 0, 1].into()).unwrap().unwrap();
        for port in service.ports() {
            assert_eq!(port.endpoints.len(), 5000);
            assert_eq!(port.endpoints.iter().filter(|endpoint| endpoint.ready).count(), 3000);
        }
    }

    #[test]
    fn an_address_leads_to_endpoints_of_its_own_family() {
        let endpoint = |address: &str| Endpoint { address: address.parse().unwrap(), port: 80, weight: 1, ready: true };
        let ports = vec![ServicePort { port: 80, endpoints: vec![endpoint("10.7.0.1"), endpoint("fd00::7")] }];
        let name = "web.shop".parse().unwrap();
        let record = ClusterServiceRecord { name, addresses: BTreeSet::new(), ports };
        for (address, answers) in [("10.96.0.1", "10.7.0.1"), ("fd96::1", "fd00::7")] {
            let service = record.clone().resolve(address.parse().unwrap()).unwrap().unwrap();
            let found: Vec<_> = service.ports()[0].endpoints.iter().map(|one| one.address.to_string()).collect();
            assert_eq!(found, [answers], "{address}");
        }
    }

    #[test]
    fn a_service_without_a_port_is_no_service() {
        let name = "udp.shop".parse().unwrap();
        let record = ClusterServiceRecord { name, addresses: BTreeSet::new(), ports: Vec::new() };
        assert_eq!(record.resolve([10, 96, 0, 1].into()), Ok(None));
    }
}
