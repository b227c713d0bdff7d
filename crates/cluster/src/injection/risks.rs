//! What in a pod would make its sidecar worthless: whoever is taken for it, could switch it off, read its memory or
//! get its certificate.
//!
//! Only what the pod says can be seen here: an image may have the sidecar's user as its own, and root may become anybody.
//! Against those stands the server's sidecar, which accepts nobody without a certificate.

use bulkhead_mesh::probe::Probe;
use serde_json::Value;

use super::annotations::Wishes;
use super::pod::{Container, List, PodView};
use super::reason::Refusal;
use super::settings::{Namespace, Settings};
use super::{Other, mounts};
use crate::names::{CAPTURE_CONTAINER, PROXY_CONTAINER};

/// Passes where the sidecar can do its work.
pub(super) fn check(
    pod: &PodView<'_>,
    namespace: &Namespace,
    wishes: &Wishes,
    settings: &Settings,
) -> Result<(), Other> {
    allowed_by_namespace(namespace)?;
    let users = pod.containers().filter(|container| !is_ours(container));
    let not_exempt: Vec<_> = users.filter(|container| !wishes.exempt_containers.contains(container.name())).collect();
    for container in &not_exempt {
        check_container(pod, container, settings)?;
    }
    match not_exempt.first() {
        Some(container) => keeps_to_itself(pod, container).map_err(Other::Refuse),
        None => Ok(()),
    }
}

/// Passes where this container of somebody else leaves the sidecar its user, its rules, its files and its identity.
pub(super) fn check_container(
    pod: &PodView<'_>,
    container: &Container<'_>,
    settings: &Settings,
) -> Result<(), Refusal> {
    is_not_the_sidecar(pod, container)?;
    cannot_administer(container)?;
    mounts::check(pod, container, settings)?;
    leaves_the_sidecars_ports(container)
}

/// Whether it is one of the two that are added here.
pub(super) fn is_ours(container: &Container<'_>) -> bool {
    container.list == List::Init && [CAPTURE_CONTAINER, PROXY_CONTAINER].contains(&container.name())
}

fn allowed_by_namespace(namespace: &Namespace) -> Result<(), Refusal> {
    match namespace.pod_security.as_deref() {
        None | Some("privileged") => Ok(()),
        Some(level) => Err(Refusal::PodSecurity { namespace: namespace.name.clone(), level: level.to_owned() }),
    }
}

fn is_not_the_sidecar(pod: &PodView<'_>, container: &Container<'_>) -> Result<(), Refusal> {
    let of_pod = |field: &str| pod.root.pointer(&format!("/spec/securityContext/{field}"));
    let own = |field: &str| {
        let said = container.fields.pointer(&format!("/securityContext/{field}"));
        said.filter(|value| !value.is_null()).or_else(|| of_pod(field))
    };
    let refuse = |what, id| Err(Refusal::SidecarsUser { container: container.name().to_owned(), what, id });
    for (field, what) in [("runAsUser", "user"), ("runAsGroup", "group")] {
        if own(field).and_then(Value::as_i64) == Some(SIDECAR) {
            return refuse(what, SIDECAR);
        }
    }
    let groups = of_pod("supplementalGroups").and_then(Value::as_array).into_iter().flatten().chain(of_pod("fsGroup"));
    if groups.filter_map(Value::as_i64).any(|group| group == SIDECAR) { refuse("group", SIDECAR) } else { Ok(()) }
}

fn cannot_administer(container: &Container<'_>) -> Result<(), Refusal> {
    let context = |pointer: &str| container.fields.pointer(&format!("/securityContext/{pointer}"));
    let refuse = |how| Err(Refusal::NetworkAdmin { container: container.name().to_owned(), how });
    if context("privileged").and_then(Value::as_bool) == Some(true) {
        return refuse("`privileged: true`".to_owned());
    }
    let added = context("capabilities/add").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let administers = |name: &&str| ADMINISTERING.contains(&name.to_ascii_uppercase().trim_start_matches("CAP_"));
    let mut administering = added.filter(administers);
    match administering.next() {
        Some(name) => refuse(format!("capability `{name}`")),
        None => Ok(()),
    }
}

fn leaves_the_sidecars_ports(container: &Container<'_>) -> Result<(), Refusal> {
    let number = |port: &Value| u16::try_from(port.get("containerPort")?.as_u64()?).ok();
    match container.listed("ports").filter_map(number).find(|port| Probe::RESERVED.contains(port)) {
        Some(port) => Err(Refusal::SidecarsPort { container: container.name().to_owned(), port }),
        None => Ok(()),
    }
}

fn keeps_to_itself(pod: &PodView<'_>, container: &Container<'_>) -> Result<(), Refusal> {
    let shares = |field: &&str| pod.flag(&format!("/spec/{field}"));
    match ["shareProcessNamespace", "hostPID"].into_iter().find(shares) {
        Some(field) => Err(Refusal::SharedProcesses { container: container.name().to_owned(), field }),
        None => Ok(()),
    }
}

/// Capabilities that suffice to change the rules, or to get what suffices.
const ADMINISTERING: [&str; 4] = ["NET_ADMIN", "SYS_ADMIN", "SYS_MODULE", "ALL"];

/// The uid and gid of the sidecar, whose connections are not captured.
pub(super) const SIDECAR: i64 = 10_101;
