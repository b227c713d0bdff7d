//! Services: one virtual address behind which several endpoints answer, and the choice of one of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::ServiceName;

/// One virtual address with its ports, each answered by endpoints of its own (a Kubernetes Service has this shape).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Service {
    name: ServiceName,
    address: IpAddr,
    ports: Vec<ServicePort>,
}

/// One port of a service and who answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServicePort {
    /// The port that clients call, 1 to 65535.
    pub port: u16,
    /// Who answers, at most [`Service::MAX_ENDPOINTS`].
    pub endpoints: Vec<Endpoint>,
}

/// One copy of the application behind a service's port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// The workload's own address.
    pub address: IpAddr,
    /// The port it listens on, 1 to 65535.
    pub port: u16,
    /// Its share of the connections beside the others' weights; 0 takes it out.
    pub weight: u32,
    /// Whether it takes connections now.
    pub ready: bool,
}

impl Service {
    /// More ports than this are refused.
    pub const MAX_PORTS: usize = 256;
    /// More endpoints of one port than this are refused: a proxy holds and weighs them all.
    pub const MAX_ENDPOINTS: usize = 10_000;

    /// The service with these ports, at least one, each listed once.
    pub fn new(name: ServiceName, address: IpAddr, ports: Vec<ServicePort>) -> Result<Self, ServiceError> {
        check_ports(&name, &ports)?;
        ports.iter().try_for_each(|port| check_endpoints(&name, port))?;
        Ok(Self { name, address, ports })
    }

    /// The service's name.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// The virtual address; nothing listens there.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Every port.
    pub fn ports(&self) -> &[ServicePort] {
        &self.ports
    }

    /// The port with this number.
    pub fn port(&self, port: u16) -> Option<&ServicePort> {
        self.ports.iter().find(|candidate| candidate.port == port)
    }
}

impl ServicePort {
    /// Chooses an endpoint: two are drawn by weight, and the one with less load for its weight gets the connection.
    ///
    /// The second draw may hit the same endpoint again, so that even the busiest keeps a small share: a load that is out
    /// of date can't starve anybody. `None` when no endpoint is ready with a weight. `load` is asked for at most two.
    pub fn choose(&self, dice: [u64; 2], load: impl Fn(&Endpoint) -> u32) -> Option<&Endpoint> {
        let [first, second] = [self.draw(dice[0])?, self.draw(dice[1])?];
        let pressure = |endpoint, weighed_by: &Endpoint| u64::from(load(endpoint)) * u64::from(weighed_by.weight);
        Some(if pressure(first, second) <= pressure(second, first) { first } else { second })
    }

    /// The ready endpoint on which this throw falls, each as wide as its weight.
    fn draw(&self, dice: u64) -> Option<&Endpoint> {
        let total: u64 = self.ready().map(|endpoint| u64::from(endpoint.weight)).sum();
        let mut rest = scale(dice, total);
        self.ready().find(|endpoint| {
            let hit = rest < u64::from(endpoint.weight);
            rest = rest.saturating_sub(u64::from(endpoint.weight));
            hit
        })
    }

    fn ready(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.ready && endpoint.weight > 0)
    }
}

impl Endpoint {
    /// Where it listens.
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Why ports and endpoints are not a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ServiceError {
    #[error("service `{service}` has {ports} ports; 1 to {} are possible", Service::MAX_PORTS)]
    Ports { service: ServiceName, ports: usize },
    #[error("service `{service}` lists port {port} twice")]
    Twice { service: ServiceName, port: u16 },
    #[error("service `{service}` has a port 0, or an endpoint on port 0")]
    Zero { service: ServiceName },
    #[error(
        "service `{service}` has {endpoints} endpoints on port {port}; at most {} are possible",
        Service::MAX_ENDPOINTS
    )]
    Endpoints { service: ServiceName, port: u16, endpoints: usize },
}

fn check_ports(service: &ServiceName, ports: &[ServicePort]) -> Result<(), ServiceError> {
    let service = || service.clone();
    if !(1..=Service::MAX_PORTS).contains(&ports.len()) {
        return Err(ServiceError::Ports { service: service(), ports: ports.len() });
    }
    let mut seen = BTreeSet::new();
    match ports.iter().find(|listed| !seen.insert(listed.port)) {
        Some(twice) => Err(ServiceError::Twice { service: service(), port: twice.port }),
        None => Ok(()),
    }
}

fn check_endpoints(service: &ServiceName, port: &ServicePort) -> Result<(), ServiceError> {
    let (service, endpoints) = (|| service.clone(), port.endpoints.len());
    if endpoints > Service::MAX_ENDPOINTS {
        return Err(ServiceError::Endpoints { service: service(), port: port.port, endpoints });
    }
    if port.port == 0 || port.endpoints.iter().any(|endpoint| endpoint.port == 0) {
        return Err(ServiceError::Zero { service: service() });
    }
    Ok(())
}

/// Maps a throw of 2^64 faces onto `0..total` in equal shares (Lemire's multiplication; the bias is below 2^-18 for
/// every set of endpoints that a service may have).
fn scale(dice: u64, total: u64) -> u64 {
    u64::try_from((u128::from(dice) * u128::from(total)) >> 64).expect("a product of two u64, shifted, fits in u64")
}

/// A service as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: ServiceName,
    address: IpAddr,
    ports: Vec<ServicePort>,
}

impl TryFrom<Written> for Service {
    type Error = ServiceError;

    fn try_from(Written { name, address, ports }: Written) -> Result<Self, ServiceError> {
        Self::new(name, address, ports)
    }
}

impl From<Service> for Written {
    fn from(Service { name, address, ports }: Service) -> Self {
        Self { name, address, ports }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoint(last: u8, weight: u32, ready: bool) -> Endpoint {
        Endpoint { address: [10, 77, 0, last].into(), port: 8080, weight, ready }
    }

    fn port(endpoints: Vec<Endpoint>) -> ServicePort {
        ServicePort { port: 80, endpoints }
    }

    fn service(ports: Vec<ServicePort>) -> Result<Service, ServiceError> {
        Service::new("db.shop".parse().unwrap(), [10, 78, 0, 1].into(), ports)
    }

    fn any_port() -> impl Strategy<Value = ServicePort> {
        prop::collection::vec((0..4_u32, any::<bool>()), 0..6).prop_map(|endpoints| {
            let numbered = endpoints.into_iter().zip(1..);
            port(numbered.map(|((weight, ready), last)| endpoint(last, weight, ready)).collect())
        })
    }

    proptest! {
        #[test]
        fn only_a_ready_endpoint_with_a_weight_is_chosen(port in any_port(), dice: [u64; 2], loads: [u32; 8]) {
            let load = |endpoint: &Endpoint| match endpoint.address {
                IpAddr::V4(address) => loads[usize::from(address.octets()[3] % 8)],
                IpAddr::V6(_) => 0,
            };
            let chosen = port.choose(dice, load);
            prop_assert!(chosen.is_none_or(|endpoint| endpoint.ready && endpoint.weight > 0));
            prop_assert_eq!(chosen.is_some(), port.ready().next().is_some());
        }

        #[test]
        fn every_ready_endpoint_is_reached_by_some_dice_whatever_its_load(port in any_port()) {
            for wanted in port.ready() {
                let load = |endpoint: &Endpoint| if endpoint == wanted { u32::MAX } else { 0 };
                let faces = (0..64).map(|face| face << 58);
                prop_assert!(faces.into_iter().any(|face| port.choose([face, face], load) == Some(wanted)));
            }
        }

        #[test]
        fn what_is_stored_is_read_back(port in any_port()) {
            let service = service(vec![port]).unwrap();
            let json = serde_json::to_string(&service).unwrap();
            prop_assert_eq!(serde_json::from_str::<Service>(&json).unwrap(), service);
        }
    }

    #[test]
    fn the_less_loaded_of_two_is_chosen_in_proportion_to_its_weight() {
        let both = port(vec![endpoint(1, 1, true), endpoint(2, 3, true)]);
        let chosen = |loads: [u32; 2]| {
            both.choose([0, u64::MAX], |endpoint| loads[usize::from(endpoint.weight == 3)]).unwrap().weight
        };
        assert_eq!([chosen([0, 1]), chosen([1, 2]), chosen([1, 3]), chosen([1, 4])], [1, 3, 1, 1]);
    }

    #[test]
    fn what_is_not_a_service_is_refused() {
        let named = |number| ServicePort { port: number, endpoints: vec![] };
        assert!(matches!(service(vec![]), Err(ServiceError::Ports { ports: 0, .. })));
        assert!(matches!(service(vec![named(1), named(1)]), Err(ServiceError::Twice { port: 1, .. })));
        assert!(matches!(service(vec![named(0)]), Err(ServiceError::Zero { .. })));
        let on_zero = Endpoint { port: 0, ..endpoint(1, 1, true) };
        assert!(matches!(service(vec![port(vec![on_zero])]), Err(ServiceError::Zero { .. })));
        let many = vec![endpoint(1, 1, true); Service::MAX_ENDPOINTS + 1];
        assert!(matches!(service(vec![port(many)]), Err(ServiceError::Endpoints { endpoints: 10_001, .. })));
    }
}
