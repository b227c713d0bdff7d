//! What the CA is told of one pod, and of one service with all that answers it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Service as MeshService, ServiceName};
use bulkhead_protocol::v1;

use super::super::cluster::{EndpointState, Pod, Service, Slice};

/// More of one service than can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whose.
    pub service: ServiceName,
    /// How many of its TCP ports are left out.
    pub ports: usize,
    /// How many of the endpoints of the other ports are left out.
    pub endpoints: usize,
}

/// A pod that has an address. Which of two with one address owns it is decided where it is answered.
pub(super) fn pod(uid: InstanceId, pod: &Pod) -> Option<v1::Pod> {
    is_told(pod).then(|| v1::Pod {
        uid: uid.as_bytes().to_vec(),
        namespace: pod.namespace.to_string(),
        name: pod.name.to_string(),
        service_account: pod.account.to_string(),
        node: pod.node.to_string(),
        addresses: pod.addresses.iter().copied().map(octets).collect(),
        sidecar: pod.sidecar,
        created_millis: pod.created.as_millis(),
        leaving: pod.leaving,
    })
}

/// Whether the CA is told of it.
pub(super) fn is_told(pod: &Pod) -> bool {
    !pod.addresses.is_empty() && !pod.node.is_empty()
}

/// A service with every endpoint in its slices; a port that nobody answers stands there with none.
pub(super) fn service<'a>(
    name: &ServiceName,
    service: &Service,
    slices: &(impl Iterator<Item = &'a Slice> + Clone),
) -> (v1::ClusterService, Option<Cut>) {
    let listed = &service.ports[..service.ports.len().min(MeshService::MAX_PORTS)];
    let most = (MOST_OF_A_SERVICE / listed.len().max(1)).min(MeshService::MAX_ENDPOINTS);
    let (mut ports, mut left_out) = (Vec::with_capacity(listed.len()), 0);
    for (port_name, port) in listed {
        let all = answering(port_name, slices.clone());
        left_out += all.len().saturating_sub(most);
        ports.push(v1::ServicePort { port: u32::from(*port), endpoints: written(&all, most) });
    }
    let cut = Cut { service: name.clone(), ports: service.ports.len() - listed.len(), endpoints: left_out };
    let addresses = service.addresses.iter().copied().map(octets).collect();
    let told = v1::ClusterService { name: name.to_string(), addresses, ports };
    (told, (cut.ports + cut.endpoints > 0).then_some(cut))
}

/// Who answers a port and whether it can, each once, though slices may speak of it twice while they are rearranged.
fn answering<'a>(port_name: &str, slices: impl Iterator<Item = &'a Slice>) -> BTreeMap<(IpAddr, u16), EndpointState> {
    let mut found = BTreeMap::new();
    for slice in slices {
        for (_, target) in slice.ports.iter().filter(|(name, _)| **name == *port_name) {
            for endpoint in &slice.endpoints {
                let state = found.entry((endpoint.address, *target)).or_insert(endpoint.state);
                *state = endpoint.state.max(*state);
            }
        }
    }
    found
}

/// Where nobody is ready, those count that are about to end and still take connections, as with kube-proxy. Those that
/// are left out for their number are first of all those that count not.
fn written(all: &BTreeMap<(IpAddr, u16), EndpointState>, most: usize) -> Vec<v1::Endpoint> {
    let best = all.values().max().copied().unwrap_or(EndpointState::Unready);
    let counts = |state: EndpointState| state == best && state > EndpointState::Unready;
    let (ready, others): (Vec<_>, Vec<_>) = all.iter().partition(|(_, state)| counts(**state));
    let endpoint = |((address, port), state): (&(IpAddr, u16), &EndpointState)| v1::Endpoint {
        address: octets(*address),
        port: u32::from(*port),
        weight: 1,
        ready: counts(*state),
    };
    ready.into_iter().chain(others).take(most).map(endpoint).collect()
}

pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Endpoints of all ports of a service together: less than 2 MB in one message, which goes whole.
const MOST_OF_A_SERVICE: usize = 60_000;
