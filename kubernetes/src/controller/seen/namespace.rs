//! A namespace, as it is read.

use bulkhead_cluster::names::{ENABLED, INJECT};
use k8s_openapi::ClusterResourceScope;
use kube::core::ObjectMeta;
use serde::Deserialize;

use super::meta::label;
use super::{Seen, meta, resource};
use crate::controller::cluster;

/// A namespace.
#[derive(Clone, Debug, Deserialize)]
pub struct Namespace {
    #[serde(deserialize_with = "meta::read")]
    metadata: ObjectMeta,
}

resource!(Namespace, "", "Namespace", "namespaces", ClusterResourceScope);

impl Seen for Namespace {
    type Key = Box<str>;
    type Kept = cluster::Namespace;

    fn key(&self) -> Option<Box<str>> {
        self.metadata.name.as_deref().map(Into::into)
    }

    fn reduce(self) -> Option<cluster::Namespace> {
        let asks = label(&self.metadata, INJECT) == Some(ENABLED);
        Some(cluster::Namespace { asks, leaving: self.metadata.deletion_timestamp.is_some() })
    }
}
