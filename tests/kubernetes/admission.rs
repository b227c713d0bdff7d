//! Whether the API server takes a pod with its sidecar, and what it makes of it.

use serde_json::{Value, json};

use crate::mesh::{patch, patched, pod, server};

#[test]
fn every_kind_of_pod_is_taken_with_its_sidecar() {
    let server = server();
    server.namespace("admission", &json!({})).unwrap();
    for (name, spec) in specs() {
        let said = server.create(&patched(&pod("admission", &spec)).unwrap(), true).unwrap();
        assert!(said.done, "{name}: {}", said.complaints);
        assert_eq!(said.complaints.trim(), "", "{name}");
    }
}

/// The API server fills in its defaults; asked again about that, nothing is to be done.
#[test]
fn what_the_api_server_adds_calls_for_no_patch() {
    let server = server();
    server.namespace("defaults", &json!({})).unwrap();
    for (name, spec) in specs() {
        let said = server.create(&patched(&pod("defaults", &spec)).unwrap(), true).unwrap();
        let kept: Value = serde_json::from_str(&said.output().unwrap()).unwrap();
        assert!(
            kept["spec"]["initContainers"][1]["terminationMessagePath"].is_string(),
            "{name}: no defaults in {kept}"
        );
        let patch = patch(&kept).unwrap();
        assert!(patch.0.is_empty(), "{name}: {patch:?}");
    }
}

/// The API server mounts the service account's token for its API into every container that has nothing in its place.
#[test]
fn the_accounts_token_for_the_api_is_for_the_application_alone() {
    let server = server();
    server.namespace("tokens", &json!({})).unwrap();
    let spec = json!({"containers": [{"name": "app", "image": "app:1"}]});
    let said = server.create(&patched(&pod("tokens", &spec)).unwrap(), true).unwrap();
    let kept: Value = serde_json::from_str(&said.output().unwrap()).unwrap();
    let has_token = |container: &Value| {
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        mounts.filter_map(|mount| mount["name"].as_str()).any(|volume| volume.starts_with("kube-api-access-"))
    };
    assert!(has_token(&kept["spec"]["containers"][0]), "{kept}");
    for ours in &kept["spec"]["initContainers"].as_array().unwrap()[..2] {
        assert!(!has_token(ours), "{ours}");
    }
}

fn specs() -> Vec<(&'static str, Value)> {
    let app = |more: Value| {
        let mut app = json!({"name": "app", "image": "app:1", "ports": [{"name": "web", "containerPort": 8080}]});
        for (field, value) in more.as_object().into_iter().flatten() {
            app[field] = value.clone();
        }
        app
    };
    let get = json!({"httpGet": {"path": "/ok", "port": "web", "scheme": "HTTPS",
        "httpHeaders": [{"name": "Host", "value": "shop"}]}, "timeoutSeconds": 5});
    let probed = app(json!({
        "startupProbe": {"grpc": {"port": 9000, "service": "shop"}},
        "livenessProbe": get,
        "readinessProbe": {"tcpSocket": {"port": "web"}},
        "lifecycle": {"preStop": {"httpGet": {"path": "/bye", "port": 8080}}, "postStart": {"exec": {"command": ["true"]}}},
    }));
    let sidecar = json!({"name": "logs", "image": "logs:1", "restartPolicy": "Always",
        "startupProbe": {"httpGet": {"path": "/", "port": 2020}}});
    vec![
        ("one container", json!({"containers": [app(json!({}))]})),
        ("every probe", json!({"containers": [probed]})),
        ("a job", json!({"restartPolicy": "Never", "containers": [app(json!({}))]})),
        (
            "init containers and a sidecar of its own",
            json!({"initContainers": [{"name": "migrate", "image": "m:1"}, sidecar], "containers": [app(json!({}))]}),
        ),
        (
            "volumes, and no token of the API",
            json!({"automountServiceAccountToken": false, "containers": [app(json!({}))],
                "volumes": [{"name": "data", "emptyDir": {}}]}),
        ),
        ("a host's port", json!({"containers": [app(json!({"ports": [{"containerPort": 8080, "hostPort": 8080}]}))]})),
        ("large", json!({"containers": [app(json!({"env": [{"name": "A", "value": "x".repeat(500_000)}]}))]})),
    ]
}
