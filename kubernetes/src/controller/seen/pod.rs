//! A pod, as it is read.

use std::net::IpAddr;

use bulkhead_cluster::injection::{self, Namespace};
use bulkhead_cluster::names::{ENABLED, PROXY_CONTAINER};
use bulkhead_mesh::{InstanceId, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use kube::core::ObjectMeta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Seen, meta, resource};
use crate::controller::cluster::{self, Asks};

/// A pod.
#[derive(Clone, Debug, Deserialize)]
pub struct Pod {
    #[serde(deserialize_with = "meta::read")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    service_account_name: Option<Box<str>>,
    node_name: Option<Box<str>>,
    #[serde(default)]
    host_network: bool,
    os: Option<Os>,
    init_containers: Option<Vec<Container>>,
    containers: Option<Vec<Container>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Os {
    name: Box<str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: Box<str>,
    restart_policy: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: Option<Box<str>>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<PodIp>>,
}

#[derive(Clone, Debug, Deserialize)]
struct PodIp {
    ip: Option<Box<str>>,
}

resource!(Pod, "", "Pod", "pods", NamespaceResourceScope);

impl Seen for Pod {
    type Key = InstanceId;
    type Kept = cluster::Pod;

    /// Its UID, the instance by which certificates name it.
    fn key(&self) -> Option<InstanceId> {
        self.metadata.uid.as_deref()?.replace('-', "").parse().ok()
    }

    fn reduce(self) -> Option<cluster::Pod> {
        if matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed")) {
            return None;
        }
        let created = self.metadata.creation_timestamp.as_ref().map_or(0, |made| made.0.as_millisecond());
        Some(cluster::Pod {
            addresses: self.addresses(),
            sidecar: self.has_sidecar(),
            leaving: self.metadata.deletion_timestamp.is_some(),
            asks: self.asks(),
            created: Timestamp::from_millis(u64::try_from(created).unwrap_or(0)),
            namespace: self.metadata.namespace?.into(),
            name: self.metadata.name?.into(),
            account: account(self.spec.service_account_name),
            node: self.spec.node_name.unwrap_or_default(),
        })
    }
}

impl Pod {
    /// A pod in its node's network has the node's addresses, which belong to no pod.
    fn addresses(&self) -> Box<[IpAddr]> {
        let told = self.status.pod_ips.iter().flatten().filter(|_| !self.spec.host_network);
        told.filter_map(|told| told.ip.as_deref()?.parse().ok()).take(MOST_ADDRESSES).collect()
    }

    /// What runs counts, and nothing that the pod says of itself: a label or an annotation is anybody's to write.
    fn has_sidecar(&self) -> bool {
        let is_it = |container: &Container| {
            *container.name == *PROXY_CONTAINER && container.restart_policy.as_deref() == Some("Always")
        };
        self.spec.init_containers.iter().flatten().any(is_it)
    }

    fn asks(&self) -> Asks {
        let (pod, namespace) = (self.for_injection(), |inject: Option<&str>| Namespace {
            name: String::new(),
            inject: inject.map(str::to_owned),
            pod_security: None,
            is_system: false,
        });
        if injection::is_wanted(&pod, &namespace(None)) {
            Asks::Itself
        } else if injection::is_wanted(&pod, &namespace(Some(ENABLED))) {
            Asks::Namespace
        } else {
            Asks::Nobody
        }
    }

    /// What the injector's rules read of it.
    fn for_injection(&self) -> Value {
        let containers = |list: &Option<Vec<Container>>| -> Vec<Value> {
            list.iter().flatten().map(|container| json!({"name": container.name})).collect()
        };
        let mut spec = json!({
            "hostNetwork": self.spec.host_network,
            "initContainers": containers(&self.spec.init_containers),
            "containers": containers(&self.spec.containers),
        });
        if let Some(os) = &self.spec.os {
            spec["os"] = json!({"name": os.name});
        }
        json!({
            "metadata": {"labels": self.metadata.labels, "annotations": self.metadata.annotations},
            "spec": spec,
        })
    }
}

/// A pod that its node runs from a file has no account. It is told all the same, since it is there, and can never get a
/// certificate, since it has no token.
fn account(given: Option<Box<str>>) -> Box<str> {
    given.filter(|account| !account.is_empty()).unwrap_or_else(|| "default".into())
}

/// As many as the CA takes of one pod; Kubernetes gives it one of each family.
const MOST_ADDRESSES: usize = 8;
