//! An object's metadata without what is large in it: managed fields, and all labels and annotations that are not ours to
//! know.

use std::collections::BTreeMap;
use std::fmt;

use bulkhead_cluster::names::{INJECT, MIRROR};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ObjectMeta;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The label by which an EndpointSlice names its service.
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label in which an object says who looks after it.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Reads metadata, for `deserialize_with`.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<ObjectMeta, D::Error> {
    let Meta { name, namespace, uid, resource_version, creation_timestamp, deletion_timestamp, labels, annotations } =
        Meta::deserialize(from)?;
    Ok(ObjectMeta {
        name,
        namespace,
        uid,
        resource_version,
        creation_timestamp,
        deletion_timestamp,
        labels: Some(labels.0),
        annotations: Some(annotations.0),
        ..ObjectMeta::default()
    })
}

/// The value of a label that is known here.
pub(super) fn label<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.labels.as_ref()?.get(name).map(String::as_str)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    #[serde(default)]
    labels: Known,
    #[serde(default)]
    annotations: Known,
}

/// The labels or annotations whose names are known here.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KnownVisitor)
    }
}

struct KnownVisitor;

impl<'de> Visitor<'de> for KnownVisitor {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_unit<E>(self) -> Result<Known, E> {
        Ok(Known::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Known, A::Error> {
        let mut known = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if [INJECT, MIRROR, SERVICE_NAME, MANAGED_BY].contains(&name.as_str()) {
                known.insert(name, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Known(known))
    }
}
