//! A service, as it is read.

use std::net::IpAddr;

use bulkhead_mesh::ServiceName;
use k8s_openapi::NamespaceResourceScope;
use kube::core::ObjectMeta;
use serde::Deserialize;

use super::{Seen, meta, resource};
use crate::controller::cluster;

/// A service.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    #[serde(deserialize_with = "meta::read")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "type")]
    kind: Option<Box<str>>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Option<Vec<Box<str>>>,
    ports: Option<Vec<Port>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Port {
    name: Option<Box<str>>,
    protocol: Option<Box<str>>,
    #[serde(rename = "port")]
    number: Option<i64>,
}

resource!(Service, "", "Service", "services", NamespaceResourceScope);

impl Seen for Service {
    type Key = ServiceName;
    type Kept = cluster::Service;

    fn key(&self) -> Option<ServiceName> {
        name(self.metadata.namespace.as_deref()?, self.metadata.name.as_deref()?)
    }

    /// A headless service's names lead to pods, and an external one's out of the cluster: neither has an address to answer.
    fn reduce(self) -> Option<cluster::Service> {
        let listed = self.spec.cluster_ips.into_iter().flatten();
        let addresses: Box<[IpAddr]> = listed.filter_map(|address| address.parse().ok()).collect();
        let mut ports: Vec<_> = tcp(self.spec.ports).collect();
        ports.sort_by_key(|(_, port)| *port);
        ports.dedup_by_key(|(_, port)| *port);
        let is_external = self.spec.kind.as_deref() == Some("ExternalName");
        (!is_external && !addresses.is_empty() && !ports.is_empty())
            .then(|| cluster::Service { addresses, ports: ports.into() })
    }
}

/// What a service is called in the mesh.
pub(super) fn name(namespace: &str, name: &str) -> Option<ServiceName> {
    format!("{name}.{namespace}").parse().ok()
}

/// The TCP ports with their names. A port without a number is every port, which no service's port leads to.
pub(super) fn tcp(ports: Option<Vec<Port>>) -> impl Iterator<Item = (Box<str>, u16)> {
    ports.into_iter().flatten().filter_map(|Port { name, protocol, number }| {
        let number = number.and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)?;
        (protocol.as_deref().unwrap_or("TCP") == "TCP").then(|| (name.unwrap_or_default(), number))
    })
}
