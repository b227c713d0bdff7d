//! The sidecar as a container of the pod.

use bulkhead_mesh::probe::{Probe, Probes};
use serde_json::{Value, json};

use super::annotations::Wishes;
use super::environment::{joined, ports, variables};
use super::risks::SIDECAR;
use super::settings::{PullPolicy, Settings};
use super::volumes::{mounts, roots_file, token_file};
use crate::names::PROXY_CONTAINER;

/// A native sidecar (`restartPolicy: Always`): the application starts when it is ready and ends before it does.
pub(super) fn container(settings: &Settings, wishes: &Wishes, probes: &Probes) -> Value {
    let mut container = json!({
        "name": PROXY_CONTAINER,
        "image": settings.images.proxy,
        "command": [PROGRAM],
        "args": ["run"],
        "restartPolicy": "Always",
        "env": environment(settings, wishes, probes),
        "resources": resources(settings, wishes),
        "securityContext": {
            "runAsUser": SIDECAR,
            "runAsGroup": SIDECAR,
            "runAsNonRoot": true,
            "privileged": false,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        // The first answer may have to wait for the CA; the application waits behind it for two minutes.
        "startupProbe": asked("/ready", 1, 120),
        "readinessProbe": asked("/ready", 5, 3),
        "livenessProbe": asked("/live", 10, 6),
        "volumeMounts": mounts(),
    });
    pull(&mut container, settings.images.pull_policy);
    container
}

fn environment(settings: &Settings, wishes: &Wishes, probes: &Probes) -> Vec<Value> {
    let told = variables([
        ("BULKHEAD_CA", settings.ca.join(",")),
        ("BULKHEAD_TRUST_DOMAIN", settings.trust_domain.to_string()),
        ("BULKHEAD_ROOTS", roots_file()),
        ("BULKHEAD_POD_TOKEN", token_file()),
        ("BULKHEAD_PROBE_ADDRESS", format!("[::]:{}", Probe::PORT)),
        (PROBES_VARIABLE, told(probes)),
        ("BULKHEAD_EXCLUDE_INBOUND_PORT", joined(&wishes.exclude_inbound_ports)),
        ("BULKHEAD_PERMISSIVE_UNTIL", joined(wishes.permissive_until)),
        ("BULKHEAD_LOG", wishes.log_level.unwrap_or(settings.log_level).to_string()),
    ]);
    // The pod's addresses from whoever gave them, not from the interfaces that a container could add.
    let addresses = json!({"name": "BULKHEAD_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIPs"}}});
    ports().into_iter().chain(told).chain([addresses]).collect()
}

/// The variable in which an earlier call has told the sidecar its probes.
pub(super) const PROBES_VARIABLE: &str = "BULKHEAD_PROBES";

fn told(probes: &Probes) -> String {
    if probes.is_empty() {
        return String::new();
    }
    let text = serde_json::to_string(probes).expect("names, numbers and texts are always JSON");
    // The kubelet replaces `$(NAME)` and `$$` in a variable, and JSON can do without the letter.
    text.replace('$', "\\u0024")
}

/// What is asked of the node. Without a wish of its own the request gives way to a limit that is below it.
pub(super) fn resources(settings: &Settings, wishes: &Wishes) -> Value {
    let defaults = &settings.resources;
    let cpu = wishes.proxy_cpu_request.as_ref().unwrap_or(&defaults.cpu_request);
    let limit = wishes.proxy_memory_limit.as_ref().or(defaults.memory_limit.as_ref());
    let memory = wishes.proxy_memory_request.as_ref().unwrap_or(&defaults.memory_request);
    let memory = limit.map_or(memory, |limit| memory.min(limit));
    let mut resources = json!({"requests": {"cpu": cpu, "memory": memory}});
    if let Some(limit) = limit {
        resources["limits"] = json!({"memory": limit});
    }
    resources
}

/// Says when the image is pulled, if the mesh's operator does.
pub(super) fn pull(container: &mut Value, policy: Option<PullPolicy>) {
    if let Some(policy) = policy {
        container["imagePullPolicy"] = json!(policy);
    }
}

fn asked(path: &str, every: u32, failures: u32) -> Value {
    json!({
        "httpGet": {"path": path, "port": Probe::PORT, "scheme": "HTTP"},
        "periodSeconds": every,
        "failureThreshold": failures,
        "timeoutSeconds": 2,
    })
}

/// The program in both images.
pub(super) const PROGRAM: &str = "/bulkhead-proxy";
