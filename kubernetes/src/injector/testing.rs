//! Questions of an API server, settings, and a desk, for tests.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_cluster::injection::{Images, LogLevel, Resources, Settings};
use bulkhead_daemon::SystemClock;
use kube::Client;
use kube::client::Body;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::events::post_office;
use super::metrics::Metrics;
use super::namespaces::Namespaces;

/// A pod is made in this namespace.
pub(super) fn review(namespace: &str, pod: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": namespace,
            "operation": "CREATE",
            "object": pod,
        },
    })
}

/// Settings of some mesh.
pub(super) fn settings() -> Settings {
    Settings {
        version: "0.1.0".to_owned(),
        images: Images { proxy: "proxy:1".to_owned(), capture: "capture:1".to_owned(), pull_policy: None },
        ca: vec!["ca:15010".to_owned()],
        trust_domain: "prod.example".parse().unwrap(),
        audience: "bulkhead-ca".to_owned(),
        trust_config_map: "bulkhead-trust".to_owned(),
        agent_directory: "/var/lib/bulkhead-agent".to_owned(),
        mesh_cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        resolvers: Vec::new(),
        resources: Resources {
            cpu_request: "100m".parse().unwrap(),
            memory_request: "64Mi".parse().unwrap(),
            memory_limit: None,
        },
        log_level: LogLevel::Info,
        longest_permissive: Duration::from_hours(24),
    }
}

/// A desk before an API server that says that its one namespace, `shop`, has these labels.
pub(super) fn desk(labels: &Value) -> Desk {
    let answer = shop(labels).to_string();
    let api_server = tower::service_fn(move |_: http::Request<Body>| {
        let body = Body::from(answer.clone().into_bytes());
        async { Ok::<_, Infallible>(http::Response::new(body)) }
    });
    let client = Client::new(api_server, "shop");
    let namespaces = Namespaces::new(client.clone(), BTreeSet::new());
    let (metrics, clock) = (Metrics::new(), Arc::new(SystemClock::default()));
    let (postbox, _) = post_office(client, Duration::from_mins(1), metrics.clone());
    Desk { settings: settings(), namespaces, postbox, clock, metrics }
}

/// Namespace `shop` as the API server tells it.
pub(super) fn shop(labels: &Value) -> Value {
    let metadata = json!({"name": "shop", "labels": labels});
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata})
}

/// Any JSON, with the names that stand in pods and questions among its keys.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "enabled|disabled|pods|CREATE|UPDATE|app|bulkhead-proxy|.{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let key = "metadata|spec|labels|annotations|containers|initContainers|ephemeralContainers|name|namespace|uid|object|\
            oldObject|operation|resource|subResource|image|securityContext|ownerReferences|livenessProbe|httpGet|port|[a-z]{0,3}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}
