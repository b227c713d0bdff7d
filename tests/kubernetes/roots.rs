//! The mesh's roots where pods need them, and pods that should have a sidecar and have none.

use std::time::{Duration, Instant};

use bulkhead_tests::kubernetes::ApiServer;
use serde_json::{Value, json};

use crate::controller::{Controller, until};

#[test]
fn a_namespace_that_asks_gets_the_roots_and_keeps_them() {
    let server = ApiServer::start().unwrap();
    let controller = Controller::start(&server, "bulkhead-system");
    for name in ["asking", "silent"] {
        server.namespace(name, &json!({})).unwrap();
    }
    controller.until_says("/ready", "200 OK");
    label(&server, "asking", "bulkhead-mesh.dev/inject=enabled");
    until_roots(&server, &controller, "asking", Some(&controller.roots()));
    let made = object(&server, &["configmap", "bulkhead-trust", "-n", "asking"]).unwrap();
    assert_eq!(made["metadata"]["labels"], json!({"app.kubernetes.io/managed-by": "bulkhead"}));
    assert_eq!(object(&server, &["configmap", "bulkhead-trust", "-n", "silent"]), None);
    assert_eq!(
        object(&server, &["configmap", "bulkhead-trust", "-n", "bulkhead-system"]),
        None,
        "not its own to write"
    );

    let wrong = json!({"data": {"root.pem": "somebody else's"}}).to_string();
    kubectl(&server, &["patch", "configmap", "bulkhead-trust", "-n", "asking", "--type=merge", "-p", &wrong]);
    until_roots(&server, &controller, "asking", Some(&controller.roots()));
    kubectl(&server, &["delete", "configmap", "bulkhead-trust", "-n", "asking"]);
    until_roots(&server, &controller, "asking", Some(&controller.roots()));

    // A pod that asks itself needs them as well, and so does one that has its sidecar still.
    make_pod(&server, "silent", "web", &json!({"bulkhead-mesh.dev/inject": "enabled"}));
    until_roots(&server, &controller, "silent", Some(&controller.roots()));
    kubectl(&server, &["delete", "pod", "web", "-n", "silent", "--force", "--grace-period=0"]);
    until_roots(&server, &controller, "silent", None);
    label(&server, "asking", "bulkhead-mesh.dev/inject-");
    until_roots(&server, &controller, "asking", None);
    assert!(!controller.log().contains("not as they should be"), "{}", controller.log());
}

#[test]
fn new_roots_reach_every_namespace() {
    let server = ApiServer::start().unwrap();
    let controller = Controller::start(&server, "bulkhead-system");
    server.namespace("shop", &json!({"bulkhead-mesh.dev/inject": "enabled"})).unwrap();
    until_roots(&server, &controller, "shop", Some(&controller.roots()));
    let both = controller.roots() + &controller.roots();
    controller.change_roots(&both);
    until_roots(&server, &controller, "shop", Some(&both));
}

#[test]
fn a_pod_without_its_sidecar_is_found_within_ten_seconds_and_said_once() {
    let server = ApiServer::start().unwrap();
    let controller = Controller::start(&server, "bulkhead-system");
    server.namespace("missing", &json!({})).unwrap();
    make_pod(&server, "missing", "early", &json!({}));
    make_pod(&server, "missing", "out", &json!({"bulkhead-mesh.dev/inject": "disabled"}));
    controller.until_says("/ready", "200 OK");
    label(&server, "missing", "bulkhead-mesh.dev/inject=enabled");
    let began = Instant::now();
    let events = || {
        let said = server.kubectl(&["get", "events.events.k8s.io", "-n", "missing", "-o", "json"]).unwrap();
        let list: Value = serde_json::from_str(&said.output().unwrap()).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    let found = until("an Event", events, |events| !events.is_empty(), || controller.log());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let pod = object(&server, &["pod", "early", "-n", "missing"]).unwrap();
    assert_eq!(found[0]["regarding"]["uid"], pod["metadata"]["uid"]);
    assert_eq!((&found[0]["reason"], &found[0]["type"]), (&json!("NotInjected"), &json!("Warning")));
    controller.until_says("/metrics", "bulkhead_controller_uninjected_pods 1\n");
    // A later pod is said at a later look, at which the first is not said again.
    make_pod(&server, "missing", "late", &json!({}));
    controller.until_says("/metrics", "bulkhead_controller_uninjected_pods 2\n");
    let found = until("the second Event", events, |events| events.len() > 1, || controller.log());
    assert_eq!(found.len(), 2, "{found:#?}");
    kubectl(&server, &["delete", "pod", "early", "late", "-n", "missing", "--force", "--grace-period=0"]);
    controller.until_says("/metrics", "bulkhead_controller_uninjected_pods 0\n");
}

fn until_roots(server: &ApiServer, controller: &Controller, namespace: &str, expected: Option<&str>) {
    let look = || object(server, &["configmap", "bulkhead-trust", "-n", namespace]);
    let is_right = |found: &Option<Value>| {
        found.as_ref().map(|map| map["data"]["root.pem"].as_str().unwrap_or_default()) == expected
    };
    until("the roots", look, is_right, || controller.log());
}

fn make_pod(server: &ApiServer, namespace: &str, name: &str, labels: &Value) {
    let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
    let spec = json!({"containers": [{"name": "app", "image": "app:1"}]});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    server.create(&pod, false).unwrap().output().unwrap();
}

fn label(server: &ApiServer, namespace: &str, label: &str) {
    kubectl(server, &["label", "namespace", namespace, label]);
}

/// None where there is none.
fn object(server: &ApiServer, words: &[&str]) -> Option<Value> {
    let said = server.kubectl(&[&["get", "-o", "json"], words].concat()).unwrap();
    if said.complaints.contains("NotFound") {
        return None;
    }
    Some(serde_json::from_str(&said.output().unwrap()).unwrap())
}

fn kubectl(server: &ApiServer, words: &[&str]) {
    server.kubectl(words).unwrap().output().unwrap();
}
