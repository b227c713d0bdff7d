//! One API server for all tests, and pods before and after injection.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Result, bail};
use bulkhead_cluster::injection::{Images, LogLevel, Namespace, Outcome, Resources, Settings, inject};
use bulkhead_mesh::Timestamp;
use bulkhead_tests::kubernetes::ApiServer;
use json_patch::Patch;
use serde_json::{Value, json};

/// The API server that other tests use at this moment, or a new one, which ends with the last test that has it.
pub(crate) fn server() -> Arc<ApiServer> {
    static RUNNING: Mutex<Weak<ApiServer>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let started = ApiServer::start().unwrap_or_else(|error| panic!("there is no API server: {error:#}"));
        let started = Arc::new(started);
        *running = Arc::downgrade(&started);
        started
    })
}

/// The pod with its sidecar.
pub(crate) fn patched(pod: &Value) -> Result<Value> {
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &patch(pod)?)?;
    Ok(patched)
}

/// What would be changed in the pod.
pub(crate) fn patch(pod: &Value) -> Result<Patch> {
    match inject(pod, &namespace(), &settings()?, Timestamp::from_secs(1_795_000_000)) {
        Outcome::Patched(patch) => Ok(patch),
        other => bail!("no patch but {other:?}"),
    }
}

/// A pod of this namespace with this in its `spec`.
pub(crate) fn pod(namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-", "namespace": namespace},
        "spec": spec,
    })
}

fn namespace() -> Namespace {
    Namespace { name: "any".to_owned(), inject: Some("enabled".to_owned()), pod_security: None, is_system: false }
}

fn settings() -> Result<Settings> {
    let image = |name: &str| format!("localhost/bulkhead/{name}:1");
    Ok(Settings {
        version: "0.1.0".to_owned(),
        images: Images { proxy: image("proxy"), capture: image("capture"), pull_policy: None },
        ca: vec!["bulkhead-ca.bulkhead-system.svc:15010".to_owned()],
        trust_domain: "test.example".parse()?,
        audience: "bulkhead-ca".to_owned(),
        trust_config_map: "bulkhead-trust".to_owned(),
        agent_directory: "/var/lib/bulkhead-agent".to_owned(),
        mesh_cidrs: vec!["10.244.0.0/16".parse()?, "10.96.0.0/16".parse()?],
        resolvers: vec!["10.96.0.10".parse()?],
        resources: Resources {
            cpu_request: "100m".parse()?,
            memory_request: "32Mi".parse()?,
            memory_limit: Some("256Mi".parse()?),
        },
        log_level: LogLevel::Info,
        longest_permissive: Duration::from_hours(90 * 24),
    })
}
