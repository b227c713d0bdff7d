//! What is known of the cluster, as small as it can be kept: fed by the watches, read by whoever tells, keeps or looks.
//!
//! Pure: what was seen goes in, in whatever order the watches bring it; nothing here waits or knows the time.

mod listed;
mod object;

pub use listed::{Beyond, Change, Listed, Took};
pub use object::{Asks, EndpointState, Namespace, Pod, Service, Slice, SliceEndpoint, SliceName, TrustMap};

use bulkhead_mesh::{InstanceId, ServiceName};

use super::directory::{Directory, Limits};

/// One thing that a watch has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Of pods, by UID.
    Pod(Change<InstanceId, Pod>),
    /// Of services with an address.
    Service(Change<ServiceName, Service>),
    /// Of what answers services.
    Slice(Change<SliceName, Slice>),
    /// Of namespaces.
    Namespace(Change<Box<str>, Namespace>),
    /// Of the ConfigMaps with the mesh's roots, by their namespaces.
    TrustMap(Change<Box<str>, TrustMap>),
}

/// Everything that is known.
#[derive(Debug)]
pub struct Cluster {
    /// What the CA is told.
    pub directory: Directory,
    /// All namespaces.
    pub namespaces: Listed<Box<str>, Namespace>,
    /// The ConfigMaps with the mesh's roots.
    pub trust_maps: Listed<Box<str>, TrustMap>,
}

impl Cluster {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        let (namespaces, trust_maps) = (Listed::new(MOST_NAMESPACES), Listed::new(MOST_NAMESPACES));
        Self { directory: Directory::new(limits), namespaces, trust_maps }
    }

    /// Takes what was seen; an object beyond a limit is left out.
    pub fn see(&mut self, sight: Sight) -> Result<(), Beyond> {
        match sight {
            Sight::Pod(change) => self.directory.see_pod(change),
            Sight::Service(change) => self.directory.see_service(change),
            Sight::Slice(change) => self.directory.see_slice(change),
            Sight::Namespace(change) => self.namespaces.take(change).map(drop),
            Sight::TrustMap(change) => self.trust_maps.take(change).map(drop),
        }
    }

    /// Whether each kind of object that pods' needs hang on was listed at least once.
    pub fn is_whole(&self) -> bool {
        self.directory.is_whole() && self.namespaces.is_whole() && self.trust_maps.is_whole()
    }
}

/// Ten times as many as Kubernetes is tried with.
const MOST_NAMESPACES: usize = 100_000;
