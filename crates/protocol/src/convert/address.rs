//! Directory answers between the wire and the mesh.

use std::net::IpAddr;

use bulkhead_mesh::{Endpoint, Entry, Epoch, InstanceId, NodeEpoch, Resolution, Service, ServicePort};
use prost::Message;

use super::{ConvertError, StatementError, address_bytes, read_address, read_bytes, read_port, read_text};
use crate::feed::{AddressAnswer, Incarnation, Limits, SignedBody};
use crate::v1::{self, address_body::Stands};

impl AddressAnswer {
    /// Reads what stands at an address. Fields that this version does not know are passed over here: an entry that
    /// says more than its holder must prove is still that entry.
    pub fn decode(body: &SignedBody, limits: &Limits) -> Result<Self, StatementError> {
        let (found, most) = (body.bytes().len(), limits.body_bytes);
        if found > most {
            return Err(StatementError::Limit { limit: "bytes of one address", found, most });
        }
        let message = v1::AddressBody::decode(body.bytes())?;
        let address = read_address("address.address", &message.address)?;
        let stands = message.stands.ok_or(StatementError::Unfamiliar)?;
        Ok(Self {
            incarnation: Incarnation::new(message.incarnation),
            address,
            version: message.version,
            resolution: read_stands(address, stands, limits)?,
        })
    }

    /// Writes what is signed.
    pub fn encode(&self) -> Vec<u8> {
        let body = v1::AddressBody {
            incarnation: self.incarnation.number(),
            address: address_bytes(self.address),
            version: self.version,
            stands: Some(write_stands(&self.resolution)),
        };
        body.encode_to_vec()
    }
}

fn read_stands(address: IpAddr, stands: Stands, limits: &Limits) -> Result<Resolution, StatementError> {
    Ok(match stands {
        Stands::Workload(entry) => Resolution::Entry(read_workload(&entry)?),
        Stands::Plain(v1::Plain {}) => Resolution::Entry(Entry::Plain),
        Stands::Service(service) => Resolution::Service(read_service(address, &service, limits)?),
        Stands::Unknown(v1::Unknown {}) => Resolution::Unknown,
    })
}

fn write_stands(resolution: &Resolution) -> Stands {
    match resolution {
        Resolution::Entry(Entry::Workload { id, node, instance }) => Stands::Workload(v1::WorkloadEntry {
            id: id.to_string(),
            node: node.node.to_string(),
            epoch: node.epoch.number(),
            instance: instance.as_bytes().to_vec(),
        }),
        Resolution::Entry(Entry::Plain) => Stands::Plain(v1::Plain {}),
        Resolution::Service(service) => Stands::Service(write_service(service)),
        Resolution::Unknown => Stands::Unknown(v1::Unknown {}),
    }
}

fn read_workload(entry: &v1::WorkloadEntry) -> Result<Entry, ConvertError> {
    Ok(Entry::Workload {
        id: read_text("workload.id", &entry.id)?,
        node: NodeEpoch { node: read_text("workload.node", &entry.node)?, epoch: Epoch::new(entry.epoch) },
        instance: InstanceId::from_bytes(read_bytes("workload.instance", &entry.instance)?),
    })
}

fn read_service(address: IpAddr, service: &v1::Service, limits: &Limits) -> Result<Service, StatementError> {
    let (found, most) = (service.ports.iter().map(|port| port.endpoints.len()).sum(), limits.service_endpoints);
    if found > most {
        return Err(StatementError::Limit { limit: "endpoints of one service", found, most });
    }
    let ports = service.ports.iter().map(read_service_port).collect::<Result<_, _>>()?;
    let problem = |error: bulkhead_mesh::service::ServiceError| error.to_string();
    Ok(Service::new(read_text("service.name", &service.name)?, address, ports)
        .map_err(|error| ConvertError::Text { field: "service.ports", problem: problem(error) })?)
}

fn read_service_port(port: &v1::ServicePort) -> Result<ServicePort, ConvertError> {
    let endpoints = port.endpoints.iter().map(read_endpoint).collect::<Result<_, _>>()?;
    Ok(ServicePort { port: read_port("service.port", port.port)?, endpoints })
}

fn read_endpoint(endpoint: &v1::Endpoint) -> Result<Endpoint, ConvertError> {
    Ok(Endpoint {
        address: read_address("endpoint.address", &endpoint.address)?,
        port: read_port("endpoint.port", endpoint.port)?,
        weight: endpoint.weight,
        ready: endpoint.ready,
    })
}

fn write_service(service: &Service) -> v1::Service {
    let ports = service.ports().iter().map(|port| v1::ServicePort {
        port: port.port.into(),
        endpoints: port.endpoints.iter().map(write_endpoint).collect(),
    });
    v1::Service { name: service.name().to_string(), ports: ports.collect() }
}

fn write_endpoint(endpoint: &Endpoint) -> v1::Endpoint {
    v1::Endpoint {
        address: address_bytes(endpoint.address),
        port: endpoint.port.into(),
        weight: endpoint.weight,
        ready: endpoint.ready,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::testing::{signed_address, signer};

    fn decode(body: &[u8]) -> Result<AddressAnswer, StatementError> {
        AddressAnswer::decode(&signed_address(body), &Limits::default())
    }

    fn any_endpoint() -> impl Strategy<Value = Endpoint> {
        (any::<[u8; 4]>(), 1_u16.., any::<u32>(), any::<bool>()).prop_map(|(address, port, weight, ready)| Endpoint {
            address: address.into(),
            port,
            weight,
            ready,
        })
    }

    fn any_resolution() -> impl Strategy<Value = Resolution> {
        let service = (1_u16.., prop::collection::vec(any_endpoint(), 0..5)).prop_map(|(port, endpoints)| {
            let ports = vec![ServicePort { port, endpoints }];
            Resolution::Service(Service::new("db.shop".parse().unwrap(), [10, 78, 0, 1].into(), ports).unwrap())
        });
        let workload = (any::<u32>(), any::<[u8; 16]>()).prop_map(|(epoch, instance)| {
            let id = "spiffe://prod.example/ns/shop/sa/db".parse().unwrap();
            let node = NodeEpoch { node: "n3".parse().unwrap(), epoch: Epoch::new(epoch) };
            Resolution::Entry(Entry::Workload { id, node, instance: InstanceId::from_bytes(instance) })
        });
        prop_oneof![service, workload, Just(Resolution::Entry(Entry::Plain)), Just(Resolution::Unknown)]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(resolution in any_resolution(), incarnation: u64, version: u64) {
            let incarnation = Incarnation::new(incarnation);
            let answer = AddressAnswer { incarnation, address: [10, 78, 0, 1].into(), version, resolution };
            let wire = signer().address(&answer).unwrap();
            let body = signer().verifier().unwrap().address(wire).unwrap();
            prop_assert_eq!(AddressAnswer::decode(&body, &Limits::default()).unwrap(), answer);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn an_unknown_kind_of_entry_is_refused() {
        let body = v1::AddressBody { address: vec![10, 0, 0, 1], ..Default::default() };
        assert!(matches!(decode(&body.encode_to_vec()), Err(StatementError::Unfamiliar)));
    }

    #[test]
    fn what_is_no_entry_is_refused_by_the_field() {
        let check = |address: Vec<u8>, stands: Stands, expected: &str| {
            let body = v1::AddressBody { address, stands: Some(stands), ..Default::default() };
            match decode(&body.encode_to_vec()).unwrap_err() {
                StatementError::Field(field) => assert!(field.to_string().contains(expected), "{field}"),
                other => assert!(other.to_string().contains(expected), "{other}"),
            }
        };
        let here = || vec![10, 0, 0, 1];
        let service = |port: u32, endpoints| {
            Stands::Service(v1::Service { name: "db".into(), ports: vec![v1::ServicePort { port, endpoints }] })
        };
        let endpoint = |address, port| v1::Endpoint { address, port, weight: 1, ready: true };
        check(vec![1; 5], Stands::Plain(v1::Plain {}), "`address.address`");
        check(here(), Stands::Workload(v1::WorkloadEntry::default()), "`workload.id`");
        check(here(), service(0, vec![]), "`service.port`");
        check(here(), service(70_000, vec![]), "`service.port`");
        check(here(), service(80, vec![endpoint(vec![], 80)]), "`endpoint.address`");
        check(here(), service(80, vec![endpoint(here(), 0)]), "`endpoint.port`");
        check(here(), service(80, vec![endpoint(here(), 80); 10_001]), "endpoints of one service");
        check(here(), Stands::Service(v1::Service { name: "db".into(), ports: vec![] }), "`service.ports`");
    }
}
