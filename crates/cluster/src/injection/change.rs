//! What of a pod that has its sidecar may be changed while it runs. Kubernetes lets few fields change; of those, the images
//! and the ephemeral containers (`kubectl debug`) could make the sidecar worthless.

use std::collections::BTreeSet;

use serde_json::Value;

use super::annotations;
use super::pod::{Container, List, PodView};
use super::reason::Refusal;
use super::risks;
use super::settings::Settings;
use crate::names::{CAPTURE_CONTAINER, PROXY_CONTAINER};

/// Passes where the change leaves the sidecar what it is. A pod without a sidecar may be changed in any way.
pub fn check_change(before: &Value, after: &Value, settings: &Settings) -> Result<(), Refusal> {
    let (before, after) = (PodView::new(before)?, PodView::new(after)?);
    if !before.containers().any(|container| risks::is_ours(&container)) {
        return Ok(());
    }
    images_stay(&before, &after, settings)?;
    let exempt = annotations::exempt_containers(&after).map_err(Refusal::Annotation)?;
    let known: BTreeSet<_> = before.ephemeral_containers().map(|container| container.name()).collect();
    let added = after.ephemeral_containers().filter(|container| !known.contains(container.name()));
    for container in added.filter(|container| !exempt.contains(container.name())) {
        risks::check_container(&after, &container, settings)?;
        leaves_the_sidecar_alone(&container)?;
    }
    Ok(())
}

/// The sidecar's image may become the one that new pods get, and no other.
fn images_stay(before: &PodView<'_>, after: &PodView<'_>, settings: &Settings) -> Result<(), Refusal> {
    let old = |name: &str| {
        let found = before.containers().find(|container| risks::is_ours(container) && container.name() == name)?;
        found.text("/image")
    };
    for container in after.containers().filter(risks::is_ours) {
        let (name, image) = (container.name(), container.text("/image"));
        let wanted = if name == CAPTURE_CONTAINER { &settings.images.capture } else { &settings.images.proxy };
        if image != old(name) && image != Some(wanted) {
            let image = image.unwrap_or_default().to_owned();
            return Err(Refusal::SidecarsImage { container: name.to_owned(), image });
        }
    }
    Ok(())
}

fn leaves_the_sidecar_alone(container: &Container<'_>) -> Result<(), Refusal> {
    if container.text("/targetContainerName") == Some(PROXY_CONTAINER) {
        return Err(Refusal::SidecarsProcesses { container: container.name().to_owned() });
    }
    Ok(())
}

impl<'a> PodView<'a> {
    /// What was added to the running pod by `kubectl debug`.
    fn ephemeral_containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        self.listed(List::Ephemeral)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{patched, settings};
    use super::*;

    fn meshed() -> Value {
        patched(&json!({"metadata": {"annotations": {"bulkhead-mesh.dev/exempt-containers": "vpn"}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}, {"name": "vpn", "image": "vpn:1"}]}}))
    }

    fn changed(pointer: &str, value: Value) -> Result<(), Refusal> {
        let mut after = meshed();
        let (holder, field) = pointer.rsplit_once('/').unwrap();
        after.pointer_mut(holder).unwrap()[field] = value;
        check_change(&meshed(), &after, &settings())
    }

    #[test]
    fn the_sidecars_images_become_the_injectors_own_or_stay() {
        for (container, image, word) in [
            (0, "registry.example/capture:1", None),
            (1, "registry.example/proxy:1", None),
            (0, "registry.example/proxy:1", Some("SidecarsImage")),
            (1, "evil:1", Some("SidecarsImage")),
        ] {
            let said = changed(&format!("/spec/initContainers/{container}/image"), json!(image));
            assert_eq!(said.err().map(|refusal| refusal.word()), word, "{container} {image}");
        }
        assert_eq!(changed("/spec/containers/0/image", json!("app:2")), Ok(()));
        let mut old = meshed();
        old["spec"]["initContainers"][1]["image"] = json!("registry.example/proxy:0");
        assert_eq!(check_change(&old, &old, &settings()), Ok(()), "an older sidecar stays");
        assert_eq!(check_change(&old, &meshed(), &settings()), Ok(()), "or becomes today's");
    }

    #[test]
    fn a_container_for_debugging_may_not_be_the_sidecar_or_see_into_it() {
        for (container, word) in [
            (json!({}), None),
            (json!({"targetContainerName": "app"}), None),
            (json!({"targetContainerName": "bulkhead-proxy"}), Some("SidecarsProcesses")),
            (json!({"securityContext": {"runAsUser": 10101}}), Some("SidecarsUser")),
            (json!({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}), Some("NetworkAdmin")),
            (json!({"securityContext": {"privileged": true}}), Some("NetworkAdmin")),
            (json!({"volumeMounts": [{"name": "bulkhead-state", "mountPath": "/x"}]}), Some("SidecarsVolume")),
            (json!({"name": "vpn", "securityContext": {"privileged": true}}), None),
        ] {
            let mut added = json!({"name": "debugger", "image": "busybox"});
            added.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
            let said = changed("/spec/ephemeralContainers", json!([added]));
            assert_eq!(said.err().map(|refusal| refusal.word()), word, "{container}");
        }
    }

    #[test]
    fn what_was_let_in_before_is_not_judged_again() {
        let mut pod = meshed();
        pod["spec"]["ephemeralContainers"] = json!([{"name": "old", "securityContext": {"privileged": true}}]);
        let mut after = pod.clone();
        after["metadata"]["labels"] = json!({"a": "b"});
        assert_eq!(check_change(&pod, &after, &settings()), Ok(()));
    }

    #[test]
    fn a_pod_without_a_sidecar_may_be_changed_in_any_way() {
        let plain = json!({"spec": {"containers": [{"name": "app"}]}});
        let mut after = plain.clone();
        after["spec"]["ephemeralContainers"] = json!([{"name": "d", "securityContext": {"privileged": true}}]);
        assert_eq!(check_change(&plain, &after, &settings()), Ok(()));
    }
}
