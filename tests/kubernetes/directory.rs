//! The CA is told what stands where, as the API server has it, through restarts of that.

use bulkhead_tests::kubernetes::ApiServer;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::support::fake_ca::Told;

#[test]
fn the_ca_is_told_what_comes_changes_and_goes() {
    let server = ApiServer::start().unwrap();
    server.namespace("shop", &json!({})).unwrap();
    run_pod(&server, "web-1", "10.244.1.7", &json!({}));
    let controller = Controller::start(&server, "bulkhead-system");
    let told = controller.until_told("the pod that was there", |told| told.complete);
    let web = &told.pods["shop/web-1"];
    assert_eq!((&web.addresses[..], &*web.service_account, &*web.node), (&[vec![10, 244, 1, 7]][..], "default", "n1"));
    assert!(!web.sidecar && web.uid.len() == 16 && web.created_millis > 1_700_000_000_000, "{web:?}");
    controller.until_says("/ready", "200 OK");

    let sidecar = json!({"name": "bulkhead-proxy", "image": "p:1", "restartPolicy": "Always"});
    run_pod(&server, "db-1", "10.244.2.8", &json!({"initContainers": [sidecar]}));
    run_pod(&server, "host-1", "192.168.0.1", &json!({"hostNetwork": true}));
    let told = controller.until_told("the second pod", |told| told.pods.contains_key("shop/db-1"));
    assert!(told.pods["shop/db-1"].sidecar);

    serve_web(&server);
    let told = controller.until_told("the service", |told| endpoints(told) == [[10, 244, 1, 7]]);
    let service = &told.services["web.shop"];
    assert_eq!(
        service.ports.iter().map(|port| port.port).collect::<Vec<_>>(),
        [80, 81],
        "TCP only, with endpoints or not"
    );
    assert_eq!(service.ports[0].endpoints[0].port, 8080);
    assert!(service.ports[1].endpoints.is_empty());
    assert_eq!(service.addresses[0][..2], [10, 96]);
    assert!(!told.services.contains_key("headless.shop") && !told.services.contains_key("far.shop"));

    merge(&server, &["endpointslice", "web-x"], &json!({"endpoints": [endpoint("10.244.2.8")]}));
    controller.until_told("another endpoint", |told| endpoints(told) == [[10, 244, 2, 8]]);
    merge(&server, &["pod", "db-1", "--subresource=status"], &json!({"status": {"phase": "Succeeded"}}));
    kubectl(&server, &["delete", "pod", "web-1", "--force", "--grace-period=0"]);
    kubectl(&server, &["delete", "service", "web"]);
    let is_gone = |told: &Told| told.pods.is_empty() && !told.services.contains_key("web.shop");
    let told = controller.until_told("the end of all", is_gone);
    assert!(told.services.contains_key("kubernetes.default"), "the API server's own, which nobody has deleted");
    assert_eq!(told.streams, 1);
    assert!(!controller.log().contains("ERROR"), "{}", controller.log());
}

#[test]
fn an_api_server_that_is_killed_and_comes_back_is_followed_again() {
    let mut server = ApiServer::start().unwrap();
    server.namespace("shop", &json!({})).unwrap();
    run_pod(&server, "web-1", "10.244.1.7", &json!({}));
    let controller = Controller::start(&server, "bulkhead-system");
    controller.until_told("the pod", |told| told.pods.contains_key("shop/web-1"));
    controller.until_says("/ready", "200 OK");
    server.stop();
    controller.until_says("/ready", "fails");
    controller.until_says("/metrics", r#"bulkhead_controller_watch_failures_total{kind="pods"}"#);
    server.start_again().unwrap();
    run_pod(&server, "web-2", "10.244.1.8", &json!({}));
    kubectl(&server, &["delete", "pod", "web-1", "--force", "--grace-period=0"]);
    let told = controller.until_told("what has changed", |told| {
        told.pods.contains_key("shop/web-2") && !told.pods.contains_key("shop/web-1")
    });
    assert_eq!(told.streams, 1, "the CA does not notice");
}

/// As a kubelet would make it run.
fn run_pod(server: &ApiServer, name: &str, address: &str, more: &Value) {
    let mut spec = json!({"nodeName": "n1", "containers": [{"name": "app", "image": "app:1"}]});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let metadata = json!({"name": name, "namespace": "shop"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    server.create(&pod, false).unwrap().output().unwrap();
    let status = json!({"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]});
    merge(server, &["pod", name, "--subresource=status"], &json!({"status": status}));
}

/// Services of every kind, and what answers one of them.
fn serve_web(server: &ApiServer) {
    let service = |name: &str, spec: &Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": spec});
    let ports = json!([
        {"name": "http", "port": 80, "targetPort": "web"},
        {"name": "admin", "port": 81},
        {"name": "dns", "port": 53, "protocol": "UDP"},
    ]);
    for object in [
        service("web", &json!({"ports": ports})),
        service("headless", &json!({"clusterIP": "None", "ports": [{"port": 80}]})),
        service("far", &json!({"type": "ExternalName", "externalName": "example.org"})),
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [endpoint("10.244.1.7")],
            "ports": [{"name": "http", "port": 8080}, {"name": "dns", "port": 5353, "protocol": "UDP"}],
        }),
    ] {
        server.create(&object, false).unwrap().output().unwrap();
    }
}

fn endpoint(address: &str) -> Value {
    json!({"addresses": [address], "conditions": {"ready": true, "serving": true, "terminating": false}})
}

/// The ready endpoints of the service's first port.
fn endpoints(told: &Told) -> Vec<Vec<u8>> {
    let port = told.services.get("web.shop").and_then(|service| service.ports.first());
    let endpoints = port.into_iter().flat_map(|port| &port.endpoints);
    endpoints.filter(|endpoint| endpoint.ready).map(|endpoint| endpoint.address.clone()).collect()
}

fn merge(server: &ApiServer, words: &[&str], patch: &Value) {
    kubectl(server, &[&["patch"], words, &["--type=merge", "-p", &patch.to_string()]].concat());
}

fn kubectl(server: &ApiServer, words: &[&str]) {
    server.kubectl(&[words, &["-n", "shop"]].concat()).unwrap().output().unwrap();
}
