//! The annotation that says what was done, for whoever looks at a pod and for `bulkhead` and the controller.

use bulkhead_mesh::probe::Probes;
use serde_json::json;

use super::annotations::Wishes;
use super::draft::{Draft, token};
use super::environment::joined;
use super::settings::Settings;
use crate::names::STATUS;

/// Writes it.
pub(super) fn write(draft: &mut Draft, settings: &Settings, wishes: &Wishes, probes: &Probes) {
    let asked = probes.iter().map(|probe| format!("{}/{}", probe.container, probe.kind)).collect::<Vec<_>>();
    let mut status = json!({"version": settings.version, "probes": asked});
    for (name, value) in [
        ("excludedInboundPorts", joined(&wishes.exclude_inbound_ports)),
        ("excludedOutboundPorts", joined(&wishes.exclude_outbound_ports)),
        ("excludedOutboundCidrs", joined(&wishes.exclude_outbound_cidrs)),
        ("permissiveUntil", joined(wishes.permissive_until)),
        ("exemptContainers", joined(&wishes.exempt_containers)),
    ] {
        if !value.is_empty() {
            status[name] = json!(value);
        }
    }
    draft.ensure("/metadata", json!({}));
    draft.ensure(ANNOTATIONS, json!({}));
    draft.set(&format!("{ANNOTATIONS}/{}", token(STATUS)), json!(status.to_string()));
}

const ANNOTATIONS: &str = "/metadata/annotations";
