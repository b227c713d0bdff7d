//! A ConfigMap with the mesh's roots, as it is read.

use aws_lc_rs::digest::{SHA256, digest};
use k8s_openapi::NamespaceResourceScope;
use kube::core::ObjectMeta;
use serde::Deserialize;

use super::meta::{MANAGED_BY, label};
use super::{Seen, meta, resource};
use crate::controller::cluster::TrustMap;

/// A ConfigMap.
#[derive(Clone, Debug, Deserialize)]
pub struct ConfigMap {
    #[serde(deserialize_with = "meta::read")]
    metadata: ObjectMeta,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Data {
    #[serde(rename = "root.pem")]
    roots: Option<Box<str>>,
}

/// The key under which the roots stand.
pub const KEY: &str = "root.pem";
/// Who looks after it.
pub const MANAGER: &str = "bulkhead";

resource!(ConfigMap, "", "ConfigMap", "configmaps", NamespaceResourceScope);

impl Seen for ConfigMap {
    type Key = Box<str>;
    type Kept = TrustMap;

    fn key(&self) -> Option<Box<str>> {
        self.metadata.namespace.as_deref().map(Into::into)
    }

    fn reduce(self) -> Option<TrustMap> {
        Some(TrustMap {
            content: self.data.and_then(|data| data.roots).map(|roots| digest_of(&roots)),
            managed: label(&self.metadata, MANAGED_BY) == Some(MANAGER),
            version: self.metadata.resource_version?.into(),
        })
    }
}

/// SHA-256 of the roots' text.
pub fn digest_of(roots: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, roots.as_bytes()).as_ref());
    bytes
}
