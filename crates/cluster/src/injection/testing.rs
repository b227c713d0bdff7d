//! A mesh and its pods, as the tests of injection have them.

use std::time::Duration;

use bulkhead_mesh::Timestamp;
use serde_json::Value;

use super::{Images, LogLevel, Namespace, Outcome, Resources, Settings, inject};

pub(super) fn settings() -> Settings {
    Settings {
        version: "0.1.0".to_owned(),
        images: Images {
            proxy: "registry.example/proxy:1".to_owned(),
            capture: "registry.example/capture:1".to_owned(),
            pull_policy: None,
        },
        ca: vec!["bulkhead-ca.bulkhead-system.svc:15010".to_owned()],
        trust_domain: "prod.example".parse().unwrap(),
        audience: "bulkhead-ca".to_owned(),
        trust_config_map: "bulkhead-trust".to_owned(),
        agent_directory: "/var/lib/bulkhead-agent".to_owned(),
        mesh_cidrs: vec!["10.244.0.0/16".parse().unwrap(), "10.96.0.0/16".parse().unwrap()],
        resolvers: vec!["10.96.0.10".parse().unwrap()],
        resources: Resources {
            cpu_request: "100m".parse().unwrap(),
            memory_request: "32Mi".parse().unwrap(),
            memory_limit: None,
        },
        log_level: LogLevel::Info,
        longest_permissive: Duration::from_hours(90 * 24),
    }
}

/// A namespace that asks for injection.
pub(super) fn shop() -> Namespace {
    Namespace { name: "shop".to_owned(), inject: Some("enabled".to_owned()), pod_security: None, is_system: false }
}

pub(super) fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

/// What becomes of the pod in the shop.
pub(super) fn injected(pod: &Value) -> Outcome {
    inject(pod, &shop(), &settings(), now())
}

/// The pod with its sidecar.
pub(super) fn patched(pod: &Value) -> Value {
    let Outcome::Patched(patch) = injected(pod) else { panic!("{:?}", injected(pod)) };
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &patch).unwrap();
    patched
}
