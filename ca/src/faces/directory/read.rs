//! What the directory source says, as the types of the mesh; what cannot be is refused by its field.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bulkhead_cluster::PodName;
use bulkhead_mesh::{Endpoint, InstanceId, Service, ServicePort, Timestamp};
use bulkhead_protocol::convert::{ConvertError, read_address, read_bytes, read_port, read_text};
use bulkhead_protocol::v1;

use crate::denied::Denied;
use crate::store::{ClusterServiceRecord, DirectoryChange, PodRecord};

/// Reads one message.
pub(super) fn change(message: v1::DirectoryWrite) -> Result<DirectoryChange, Denied> {
    let v1::DirectoryWrite { number: _, pods, gone_pods, services, gone_services, complete } = message;
    let items = pods.len() + gone_pods.len() + services.len() + gone_services.len();
    check_most("write", items, MAX_ITEMS)?;
    let gone_pod = |uid: &Vec<u8>| read_bytes("gone_pods", uid).map(InstanceId::from_bytes);
    Ok(DirectoryChange {
        pods: pods.into_iter().map(pod).collect::<Result<_, _>>()?,
        gone_pods: gone_pods.iter().map(gone_pod).collect::<Result<_, _>>()?,
        services: services.into_iter().map(service).collect::<Result<_, _>>()?,
        gone_services: gone_services.iter().map(|name| read_text("gone_services", name)).collect::<Result<_, _>>()?,
        complete,
    })
}

fn pod(message: v1::Pod) -> Result<PodRecord, Denied> {
    let v1::Pod { uid, namespace, name, service_account, node, addresses: listed, sidecar, created_millis, leaving } =
        message;
    let bad = |field: &'static str| move |problem: String| ConvertError::Text { field, problem };
    Ok(PodRecord {
        uid: InstanceId::from_bytes(read_bytes("pods.uid", &uid)?),
        name: PodName::new(&namespace, &name).map_err(|problem| bad("pods.name")(problem.to_string()))?,
        workload: read_text("pods.service_account", &format!("ns/{namespace}/sa/{service_account}"))?,
        node: read_text("pods.node", &node)?,
        addresses: addresses("pods.addresses", &listed)?,
        has_sidecar: sidecar,
        created: Timestamp::from_millis(created_millis),
        is_leaving: leaving,
    })
}

fn service(message: v1::ClusterService) -> Result<ClusterServiceRecord, Denied> {
    let v1::ClusterService { name, addresses: listed, ports } = message;
    let name = read_text("services.name", &name)?;
    let addresses = addresses("services.addresses", &listed)?;
    check_most("services.ports", ports.len(), Service::MAX_PORTS)?;
    let ports: Vec<ServicePort> = ports.into_iter().map(port).collect::<Result<_, _>>()?;
    if !ports.is_empty() {
        // Its address does not matter here: the rules are those of the ports.
        let valid = Service::new(name, UNSPECIFIED, ports)
            .map_err(|problem| ConvertError::Text { field: "services.ports", problem: problem.to_string() })?;
        return Ok(ClusterServiceRecord { name: valid.name().clone(), addresses, ports: valid.ports().to_vec() });
    }
    Ok(ClusterServiceRecord { name, addresses, ports })
}

fn port(message: v1::ServicePort) -> Result<ServicePort, Denied> {
    let v1::ServicePort { port, endpoints } = message;
    check_most("services.ports.endpoints", endpoints.len(), Service::MAX_ENDPOINTS)?;
    let endpoints = endpoints.iter().map(endpoint).collect::<Result<_, _>>()?;
    Ok(ServicePort { port: read_port("services.ports.port", port)?, endpoints })
}

fn endpoint(message: &v1::Endpoint) -> Result<Endpoint, Denied> {
    Ok(Endpoint {
        address: read_address("services.ports.endpoints.address", &message.address)?,
        port: read_port("services.ports.endpoints.port", message.port)?,
        weight: message.weight,
        ready: message.ready,
    })
}

fn addresses(field: &'static str, listed: &[Vec<u8>]) -> Result<BTreeSet<IpAddr>, Denied> {
    check_most(field, listed.len(), MAX_ADDRESSES)?;
    Ok(listed.iter().map(|bytes| read_address(field, bytes)).collect::<Result<_, _>>()?)
}

fn check_most(field: &'static str, found: usize, most: usize) -> Result<(), Denied> {
    if found <= most { Ok(()) } else { Err(Denied::TooMany { field, found, most }) }
}

/// As many as one transaction may hold up others with: a revocation waits behind one of them at most.
const MAX_ITEMS: usize = 1000;
/// A pod has an address of each family, and some networks give it a few more.
const MAX_ADDRESSES: usize = 8;
const UNSPECIFIED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    fn sound_pod() -> v1::Pod {
        v1::Pod {
            uid: vec![1; 16],
            namespace: "shop".to_owned(),
            name: "web-1".to_owned(),
            service_account: "web".to_owned(),
            node: "node-a".to_owned(),
            addresses: vec![vec![10, 244, 1, 7]],
            sidecar: true,
            created_millis: 7,
            leaving: false,
        }
    }

    fn sound_service() -> v1::ClusterService {
        let endpoint = v1::Endpoint { address: vec![10, 244, 1, 7], port: 8080, weight: 1, ready: false };
        let port = v1::ServicePort { port: 80, endpoints: vec![endpoint] };
        v1::ClusterService { name: "web.shop".to_owned(), addresses: vec![vec![10, 96, 0, 1]], ports: vec![port] }
    }

    fn refusal(message: v1::DirectoryWrite) -> String {
        change(message).unwrap_err().to_string()
    }

    #[test]
    fn a_sound_message_is_read() {
        let message =
            v1::DirectoryWrite { pods: vec![sound_pod()], services: vec![sound_service()], ..Default::default() };
        let read = change(message).unwrap();
        assert_eq!(read.pods[0].name.to_string(), "shop/web-1");
        assert!(!read.services[0].ports[0].endpoints[0].ready);
        let headless = v1::ClusterService { addresses: Vec::new(), ports: Vec::new(), ..sound_service() };
        assert!(change(v1::DirectoryWrite { services: vec![headless], ..Default::default() }).is_ok());
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        let pods: [(v1::Pod, &str); 6] = [
            (v1::Pod { uid: vec![1; 15], ..sound_pod() }, "`pods.uid`"),
            (v1::Pod { namespace: "a/b".to_owned(), ..sound_pod() }, "`pods.name`"),
            (v1::Pod { service_account: String::new(), ..sound_pod() }, "`pods.service_account`"),
            (v1::Pod { node: "Node A".to_owned(), ..sound_pod() }, "`pods.node`"),
            (v1::Pod { addresses: vec![vec![1; 5]], ..sound_pod() }, "`pods.addresses`"),
            (v1::Pod { addresses: vec![vec![1; 4]; 9], ..sound_pod() }, "`pods.addresses` has 9 items; at most 8"),
        ];
        for (pod, expected) in pods {
            let said = refusal(v1::DirectoryWrite { pods: vec![pod], ..Default::default() });
            assert!(said.contains(expected), "{said}");
        }
        let port = |port: u32, endpoints| v1::ServicePort { port, endpoints };
        let endpoint = |port| v1::Endpoint { address: vec![1; 4], port, weight: 1, ready: true };
        let services: [(v1::ClusterService, &str); 7] = [
            (v1::ClusterService { name: "Web".to_owned(), ..sound_service() }, "`services.name`"),
            (v1::ClusterService { addresses: vec![vec![1; 4]; 9], ..sound_service() }, "`services.addresses`"),
            (v1::ClusterService { ports: vec![port(0, vec![])], ..sound_service() }, "`services.ports.port`"),
            (v1::ClusterService { ports: vec![port(1, vec![]); 2], ..sound_service() }, "lists port 1 twice"),
            (v1::ClusterService { ports: vec![port(1, vec![]); 257], ..sound_service() }, "has 257 items; at most 256"),
            (
                v1::ClusterService { ports: vec![port(1, vec![endpoint(1); 10_001])], ..sound_service() },
                "`services.ports.endpoints` has 10001 items",
            ),
            (
                v1::ClusterService { ports: vec![port(1, vec![endpoint(0)])], ..sound_service() },
                "`services.ports.endpoints.port`",
            ),
        ];
        for (service, expected) in services {
            let said = refusal(v1::DirectoryWrite { services: vec![service], ..Default::default() });
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn one_message_has_a_thousand_items_at_most() {
        let write = |gone| v1::DirectoryWrite { gone_pods: vec![vec![1; 16]; gone], ..Default::default() };
        assert!(change(write(1000)).is_ok());
        assert!(refusal(write(1001)).contains("1001 items; at most 1000"));
        assert!(refusal(v1::DirectoryWrite { gone_pods: vec![vec![1]], ..Default::default() }).contains("`gone_pods`"));
    }
}
