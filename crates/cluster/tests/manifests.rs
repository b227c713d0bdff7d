//! Pods as people publish them, with their sidecars. `BULKHEAD_BLESS=1` writes what is compared anew.

#![allow(clippy::disallowed_methods, reason = "only the crate itself reads no file and no variable")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_cluster::injection::{Images, LogLevel, Namespace, Outcome, Resources, Settings, inject};
use bulkhead_mesh::Timestamp;
use serde_json::Value;

#[test]
fn published_pods_get_what_stands_beside_them() {
    for name in [
        "cassandra-statefulset",
        "contour-envoy",
        "descheduler",
        "job",
        "multi-init",
        "startup_ready_live",
        "tcp-probes",
    ] {
        let mut pod = templates(name).remove(0);
        let Outcome::Patched(patch) = injected(&pod) else { panic!("{name}: {:?}", injected(&pod)) };
        json_patch::patch(&mut pod, &patch).unwrap();
        let (text, beside) =
            (serde_json::to_string_pretty(&pod).unwrap() + "\n", file(&format!("{name}.injected.json")));
        if std::env::var_os("BULKHEAD_BLESS").is_some() {
            fs::write(&beside, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&beside).unwrap(), "{name}: BULKHEAD_BLESS=1 writes it anew");
    }
}

#[test]
fn pods_that_have_another_meshs_sidecar_are_left_alone() {
    let pods = templates("inject_emojivoto_already_injected.input");
    assert_eq!(pods.len(), 4);
    for pod in pods {
        let Outcome::Skipped(skip) = injected(&pod) else { panic!("{pod}") };
        assert_eq!(skip.word(), "OtherMesh");
    }
}

/// The pods that a manifest's workloads make.
fn templates(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(file(&format!("{name}.yaml"))).expect("a manifest of this crate");
    let documents = text.split("---\n").filter(|document| !document.trim().is_empty());
    let read = documents.map(|document| serde_saphyr::from_str::<Value>(document).expect("YAML"));
    read.filter_map(|workload| workload.pointer("/spec/template").cloned()).collect()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(name)
}

fn injected(pod: &Value) -> Outcome {
    let namespace =
        Namespace { name: "shop".to_owned(), inject: Some("enabled".to_owned()), pod_security: None, is_system: false };
    inject(pod, &namespace, &settings(), Timestamp::from_secs(1_795_000_000))
}

fn settings() -> Settings {
    let (amount, image) =
        (|text: &str| text.parse().expect("an amount"), |name: &str| format!("registry.example/{name}:1"));
    Settings {
        version: "0.1.0".to_owned(),
        images: Images { proxy: image("bulkhead-proxy"), capture: image("bulkhead-capture"), pull_policy: None },
        ca: vec!["bulkhead-ca.bulkhead-system.svc:15010".to_owned()],
        trust_domain: "prod.example".parse().expect("a trust domain"),
        audience: "bulkhead-ca".to_owned(),
        trust_config_map: "bulkhead-trust".to_owned(),
        agent_directory: "/var/lib/bulkhead-agent".to_owned(),
        mesh_cidrs: vec!["10.244.0.0/16".parse().expect("a range")],
        resolvers: vec!["10.96.0.10".parse().expect("an address")],
        resources: Resources { cpu_request: amount("100m"), memory_request: amount("32Mi"), memory_limit: None },
        log_level: LogLevel::Info,
        longest_permissive: Duration::from_hours(90 * 24),
    }
}
