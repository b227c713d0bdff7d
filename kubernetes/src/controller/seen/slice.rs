//! An EndpointSlice, as it is read.

use k8s_openapi::NamespaceResourceScope;
use kube::core::ObjectMeta;
use serde::Deserialize;

use super::meta::{SERVICE_NAME, label};
use super::service::{Port, name, tcp};
use super::{Seen, meta, resource};
use crate::controller::cluster::{EndpointState, Slice, SliceEndpoint, SliceName};

/// An EndpointSlice.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSlice {
    #[serde(deserialize_with = "meta::read")]
    metadata: ObjectMeta,
    address_type: Option<Box<str>>,
    endpoints: Option<Vec<Endpoint>>,
    ports: Option<Vec<Port>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Endpoint {
    addresses: Option<Vec<Box<str>>>,
    conditions: Option<Conditions>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Conditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

resource!(EndpointSlice, "discovery.k8s.io", "EndpointSlice", "endpointslices", NamespaceResourceScope);

impl Seen for EndpointSlice {
    type Key = SliceName;
    type Kept = Slice;

    fn key(&self) -> Option<SliceName> {
        Some((self.metadata.namespace.as_deref()?.into(), self.metadata.name.as_deref()?.into()))
    }

    fn reduce(self) -> Option<Slice> {
        if self.address_type.as_deref() == Some("FQDN") {
            return None;
        }
        let service = name(self.metadata.namespace.as_deref()?, label(&self.metadata, SERVICE_NAME)?)?;
        let ports: Box<[_]> = tcp(self.ports).collect();
        let endpoints = self.endpoints.into_iter().flatten().filter_map(Endpoint::reduce).collect();
        (!ports.is_empty()).then_some(Slice { service, ports, endpoints })
    }
}

impl Endpoint {
    /// Only the first address has a meaning, as for kube-proxy.
    fn reduce(self) -> Option<SliceEndpoint> {
        let address = self.addresses?.first()?.parse().ok()?;
        Some(SliceEndpoint { address, state: self.conditions.unwrap_or_default().state() })
    }
}

impl Conditions {
    /// What is not said is well: ready and serving where it is not denied, and not about to end.
    fn state(&self) -> EndpointState {
        let ready = self.ready.unwrap_or(true);
        match self.terminating.unwrap_or(false) {
            true if self.serving.unwrap_or(ready) => EndpointState::Ending,
            false if ready => EndpointState::Ready,
            _ => EndpointState::Unready,
        }
    }
}
