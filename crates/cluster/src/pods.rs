//! What the CA looks at in a pod: which one it is, where it stands, whether it lives, and whether it has a sidecar.

use std::net::IpAddr;

use bulkhead_mesh::{NodeName, Timestamp, WorkloadName};
use k8s_openapi::api::core::v1::{Pod, PodSpec};

use crate::names::PROXY_CONTAINER;
use crate::uid::Uid;

/// A pod, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// Which pod.
    pub uid: Uid,
    /// The account that it runs as.
    pub account: WorkloadName,
    /// The node that it was put on, if it was.
    pub node: Option<NodeName>,
    /// Whether it still runs.
    pub liveness: Liveness,
    /// Its own addresses, the main one first; none until its network stands.
    pub addresses: Vec<IpAddr>,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it has our sidecar.
    pub has_sidecar: bool,
}

/// Whether a pod still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It does, or will.
    Living,
    /// It was told to end, and has not: until then it drains its connections, and needs its certificate for that.
    Ending,
    /// All its containers have ended, for good.
    Ended,
}

/// Reads a pod as the API server has it.
pub fn read(pod: &Pod) -> Result<PodFacts, PodError> {
    let (metadata, spec) = (&pod.metadata, pod.spec.as_ref().ok_or(PodError { field: "spec" })?);
    let uid = metadata.uid.as_deref().and_then(|uid| uid.parse().ok());
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    // Admission fills it in, so that only a pod that was made without any API server has none.
    let account = spec.service_account_name.as_deref().unwrap_or("default");
    let created = metadata.creation_timestamp.as_ref().and_then(|made| u64::try_from(made.0.as_millisecond()).ok());
    Ok(PodFacts {
        uid: uid.ok_or(PodError { field: "metadata.uid" })?,
        account: format!("ns/{namespace}/sa/{account}")
            .parse()
            .map_err(|_| PodError { field: "spec.serviceAccountName" })?,
        node: node(spec)?,
        liveness: liveness(pod),
        addresses: addresses(pod)?,
        created: Timestamp::from_millis(created.ok_or(PodError { field: "metadata.creationTimestamp" })?),
        has_sidecar: has_sidecar(spec),
    })
}

fn node(spec: &PodSpec) -> Result<Option<NodeName>, PodError> {
    let named = spec.node_name.as_deref().filter(|name| !name.is_empty());
    named.map(str::parse).transpose().map_err(|_| PodError { field: "spec.nodeName" })
}

fn liveness(pod: &Pod) -> Liveness {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    match phase {
        Some("Succeeded" | "Failed") => Liveness::Ended,
        _ if pod.metadata.deletion_timestamp.is_some() => Liveness::Ending,
        _ => Liveness::Living,
    }
}

fn addresses(pod: &Pod) -> Result<Vec<IpAddr>, PodError> {
    let Some(status) = &pod.status else { return Ok(Vec::new()) };
    let listed = status.pod_ips.iter().flatten().map(|listed| listed.ip.as_str());
    let mut all: Vec<&str> =
        status.pod_ip.as_deref().into_iter().chain(listed).filter(|text| !text.is_empty()).collect();
    // `podIP` stands at the head of `podIPs` as well.
    all.dedup();
    all.into_iter()
        .map(|text| text.parse::<IpAddr>().map(|address| address.to_canonical()))
        .collect::<Result<_, _>>()
        .map_err(|_| PodError { field: "status.podIPs" })
}

fn has_sidecar(spec: &PodSpec) -> bool {
    let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
    containers.into_iter().any(|container| container.name == PROXY_CONTAINER)
}

/// The API server said something of a pod that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pod's `{field}` is missing or cannot be read")]
pub struct PodError {
    field: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn whole() -> Value {
        json!({
            "metadata": {
                "name": "web-1", "namespace": "shop", "uid": "11111111-1111-1111-1111-111111111111",
                "creationTimestamp": "2026-11-24T17:36:52Z",
            },
            "spec": {
                "serviceAccountName": "web", "nodeName": "node-a",
                "initContainers": [{"name": "bulkhead-proxy", "restartPolicy": "Always"}],
                "containers": [{"name": "app"}],
            },
            "status": {"phase": "Running", "podIP": "10.244.1.7", "podIPs": [{"ip": "10.244.1.7"}, {"ip": "fd00::7"}]},
        })
    }

    fn with(place: &str, value: Value) -> Result<PodFacts, PodError> {
        let mut pod = whole();
        match (pod.pointer_mut(place), place.rsplit_once('/')) {
            (Some(there), _) => *there = value,
            (None, Some((parent, name))) => pod.pointer_mut(parent).unwrap()[name] = value,
            (None, None) => panic!("{place}"),
        }
        read(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn a_running_pod_is_read_in_every_field() {
        let pod = read(&serde_json::from_value(whole()).unwrap()).unwrap();
        assert_eq!(pod.account.to_string(), "ns/shop/sa/web");
        assert_eq!(pod.node.unwrap().as_str(), "node-a");
        assert_eq!(pod.addresses, ["10.244.1.7".parse::<IpAddr>().unwrap(), "fd00::7".parse().unwrap()]);
        assert_eq!(pod.created.to_string(), "2026-11-24T17:36:52.000Z");
        assert_eq!((pod.liveness, pod.has_sidecar), (Liveness::Living, true));
    }

    #[test]
    fn a_draining_pod_lives_until_its_containers_have_ended() {
        let deleted = |phase: &str| {
            let mut pod = whole();
            pod["metadata"]["deletionTimestamp"] = json!("2026-11-24T17:40:00Z");
            pod["status"]["phase"] = json!(phase);
            read(&serde_json::from_value(pod).unwrap()).unwrap().liveness
        };
        for (phase, living, draining) in [
            ("Pending", Liveness::Living, Liveness::Ending),
            ("Running", Liveness::Living, Liveness::Ending),
            ("Unknown", Liveness::Living, Liveness::Ending),
            ("Succeeded", Liveness::Ended, Liveness::Ended),
            ("Failed", Liveness::Ended, Liveness::Ended),
        ] {
            assert_eq!(with("/status/phase", json!(phase)).unwrap().liveness, living, "{phase}");
            assert_eq!(deleted(phase), draining, "{phase}");
        }
    }

    #[test]
    fn what_a_pod_has_not_yet_is_no_error() {
        assert_eq!(with("/spec/nodeName", Value::Null).unwrap().node, None);
        assert!(with("/status", json!({})).unwrap().addresses.is_empty());
        assert!(with("/status", Value::Null).unwrap().addresses.is_empty());
        assert!(!with("/spec/initContainers", json!([{"name": "other"}])).unwrap().has_sidecar);
        assert_eq!(with("/status/podIPs", Value::Null).unwrap().addresses.len(), 1);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        for (place, value, field) in [
            ("/metadata/uid", json!("web-1"), "`metadata.uid`"),
            ("/metadata/creationTimestamp", Value::Null, "`metadata.creationTimestamp`"),
            ("/spec/nodeName", json!("Node A"), "`spec.nodeName`"),
            ("/spec/serviceAccountName", json!("a/b"), "`spec.serviceAccountName`"),
            ("/status/podIP", json!("10.244.1"), "`status.podIPs`"),
            ("/spec", Value::Null, "`spec`"),
        ] {
            let refusal = with(place, value).unwrap_err().to_string();
            assert!(refusal.contains(field), "{place}: {refusal}");
        }
    }
}
