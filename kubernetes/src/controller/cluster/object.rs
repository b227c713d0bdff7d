//! Kubernetes' objects, reduced to what is needed of them: a cluster's worth of these is kept in memory.

use std::net::IpAddr;

use bulkhead_mesh::{ServiceName, Timestamp};

/// A pod that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Where it lives.
    pub namespace: Box<str>,
    /// Its name there.
    pub name: Box<str>,
    /// As whom it runs.
    pub account: Box<str>,
    /// Where it runs; empty until that is decided.
    pub node: Box<str>,
    /// Its own addresses; none of a pod in its node's network, which owns none.
    pub addresses: Box<[IpAddr]>,
    /// When it was made, by the API server's clock.
    pub created: Timestamp,
    /// Whether it has the sidecar.
    pub sidecar: bool,
    /// Whether it is being deleted; it owns its addresses until somebody comes who is not.
    pub leaving: bool,
    /// Who must ask for it to have a sidecar.
    pub asks: Asks,
}

/// Who asks for a pod to have a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nobody can: it asks for none, or can have none.
    Nobody,
    /// Its namespace may.
    Namespace,
    /// It does itself.
    Itself,
}

/// A service with an address of its own and at least one TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its addresses in the cluster.
    pub addresses: Box<[IpAddr]>,
    /// Its TCP ports, with the names by which slices speak of them.
    pub ports: Box<[(Box<str>, u16)]>,
}

/// Where a slice lives, and its name there.
pub type SliceName = (Box<str>, Box<str>);

/// Some of the endpoints of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Of which service.
    pub service: ServiceName,
    /// At which TCP port each port of the service is answered, by the port's name.
    pub ports: Box<[(Box<str>, u16)]>,
    /// Who answers.
    pub endpoints: Box<[SliceEndpoint]>,
}

/// Who answers a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceEndpoint {
    /// Where.
    pub address: IpAddr,
    /// Whether it can.
    pub state: EndpointState,
}

/// Whether an endpoint takes connections. The later counts more where two slices speak of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointState {
    /// No.
    Unready,
    /// It still would, though it is about to end: good enough where nobody else is left.
    Ending,
    /// Yes.
    Ready,
}

/// A namespace, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Whether its label asks for injection.
    pub asks: bool,
    /// Whether it is being deleted; nothing can be made in it any more.
    pub leaving: bool,
}

/// A ConfigMap that should hold the mesh's roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustMap {
    /// SHA-256 of what it holds; none where it holds nothing under the key.
    pub content: Option<[u8; 32]>,
    /// Whether it says that it is the mesh's.
    pub managed: bool,
    /// Which state of the object this is.
    pub version: Box<str>,
}
