//! Whether a pod is to have a sidecar at all.

use super::Other;
use super::pod::PodView;
use super::reason::{Refusal, Skip};
use super::risks::is_ours;
use super::settings::Namespace;
use crate::names::{DISABLED, ENABLED, INJECT, MIRROR};

/// Passes where a sidecar is wanted and can be.
pub(super) fn check(pod: &PodView<'_>, namespace: &Namespace) -> Result<(), Other> {
    if namespace.is_system {
        return Err(Skip::System(namespace.name.clone()).into());
    }
    // The pod's own word counts more than its namespace's.
    match pod.label(INJECT).or(namespace.inject.as_deref()) {
        None => Err(Skip::NotAsked.into()),
        Some(DISABLED) => Err(Skip::OptedOut.into()),
        Some(ENABLED) => can_have_one(pod).map_err(|skip| {
            // Other webhooks may come after us, and then we are asked again: to step aside now would leave it with both.
            let has_one = pod.containers().any(|container| is_ours(&container));
            if has_one { Refusal::TooLate(skip).into() } else { Other::Skip(skip) }
        }),
        Some(value) => Err(Refusal::Label { value: value.to_owned() }.into()),
    }
}

fn can_have_one(pod: &PodView<'_>) -> Result<(), Skip> {
    if pod.texts("/metadata/annotations").any(|(name, _)| name == MIRROR) {
        return Err(Skip::Static);
    }
    if let Some(system) = pod.text("/spec/os/name").filter(|name| *name != "linux") {
        return Err(Skip::OperatingSystem(system.to_owned()));
    }
    if pod.flag("/spec/hostNetwork") {
        return Err(Skip::HostNetwork);
    }
    match pod.containers().map(|container| container.name()).find(|name| OTHER_MESHES.contains(name)) {
        Some(container) => Err(Skip::OtherMesh { container: container.to_owned() }),
        None => Ok(()),
    }
}

/// Sidecars of Istio, Linkerd, Consul, Kuma, Open Service Mesh and App Mesh, and what comes with them to capture.
const OTHER_MESHES: [&str; 12] = [
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "linkerd-proxy",
    "linkerd-init",
    "linkerd-network-validator",
    "consul-dataplane",
    "kuma-sidecar",
    "kuma-init",
    "kuma-validation",
    "osm-init",
    "proxyinit",
];
