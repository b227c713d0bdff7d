//! The init container that installs the capture rules and exits.

use bulkhead_mesh::probe::Probe;
use serde_json::{Value, json};

use super::annotations::Wishes;
use super::environment::{joined, ports, variables};
use super::proxy::{PROGRAM, pull, resources};
use super::settings::Settings;
use super::volumes::no_api_token;
use crate::names::CAPTURE_CONTAINER;

/// It is root, as NET_ADMIN demands of a program that is not marked for it, and may do nothing else that root may.
pub(super) fn container(settings: &Settings, wishes: &Wishes) -> Value {
    let mut container = json!({
        "name": CAPTURE_CONTAINER,
        "image": settings.images.capture,
        "command": [PROGRAM],
        "args": ["capture", "install"],
        "env": environment(settings, wishes),
        // As much as the sidecar that follows: of init containers the largest counts, so that it costs nothing more.
        "resources": resources(settings, wishes),
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "runAsNonRoot": false,
            "privileged": false,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [no_api_token()],
    });
    pull(&mut container, settings.images.pull_policy);
    container
}

fn environment(settings: &Settings, wishes: &Wishes) -> Vec<Value> {
    let told = variables([
        ("BULKHEAD_MESH_CIDR", joined(&settings.mesh_cidrs)),
        ("BULKHEAD_RESOLVER", joined(&settings.resolvers)),
        ("BULKHEAD_PROBE_PORT", Probe::PORT.to_string()),
        ("BULKHEAD_EXCLUDE_INBOUND_PORT", joined(&wishes.exclude_inbound_ports)),
        ("BULKHEAD_EXCLUDE_OUTBOUND_PORT", joined(&wishes.exclude_outbound_ports)),
        ("BULKHEAD_EXCLUDE_OUTBOUND", joined(&wishes.exclude_outbound_cidrs)),
    ]);
    ports().into_iter().chain(told).collect()
}
