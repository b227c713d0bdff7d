//! Changes of pods that have their sidecar.

use std::fs;

use bulkhead_tests::kubernetes::Said;
use serde_json::{Value, json};

use crate::injector::{Stage, enabled, named};

#[test]
fn the_sidecars_image_stays_and_everything_else_may_change() {
    let stage = Stage::shared();
    stage.scene.namespace("images", &enabled());
    stage.scene.server.create(&named("images", "web"), false).unwrap().output().unwrap();
    for container in ["bulkhead-proxy", "bulkhead-capture"] {
        let said = patch(&stage, "images", &image("initContainers", container, "evil:1"));
        let sentence = format!("container `{container}` is the mesh's, and its image cannot become `evil:1`");
        assert!(!said.done && said.complaints.contains(&sentence), "{said:?}");
    }
    let told = stage.scene.event("images", "Pod", "web", "SidecarsImage", &stage.injector);
    assert!(told.contains("`evil:1`"), "{told}");
    for ordinary in [
        image("containers", "app", "app:2"),
        json!({"metadata": {"labels": {"tier": "front"}}}),
        json!({"metadata": {"finalizers": ["example.com/wait"]}}),
        json!({"metadata": {"finalizers": null}}),
    ] {
        patch(&stage, "images", &ordinary).output().unwrap();
    }
}

#[test]
fn a_container_for_debugging_is_let_in_unless_it_could_harm_the_sidecar() {
    let stage = Stage::shared();
    stage.scene.namespace("debug", &enabled());
    stage.scene.server.create(&named("debug", "web"), false).unwrap().output().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let custom = directory.path().join("custom.json");
    fs::write(&custom, json!({"securityContext": {"runAsUser": 10_101}}).to_string()).unwrap();
    let custom = format!("--custom={}", custom.display());
    let debug = |more: &[&str]| {
        let words = [&["debug", "web", "-n", "debug", "--image=busybox:1", "--attach=false"], more].concat();
        stage.scene.kubectl(&words)
    };
    for (more, sentence) in [
        (&["-c=admin", "--profile=netadmin"][..], "container `admin` could take the capture rules away"),
        (&["-c=user", "--profile=baseline", &custom], "container `user` would run as user 10101"),
        (
            &["-c=spy", "--profile=baseline", "--target=bulkhead-proxy"],
            "container `spy` would see the sidecar's processes",
        ),
    ] {
        let said = debug(more);
        assert!(!said.done && said.complaints.contains(sentence), "{said:?}");
    }
    debug(&["-c=ordinary", "--profile=baseline", "--target=app"]).output().unwrap();
    let names = "jsonpath={.spec.ephemeralContainers[*].name}";
    let added = stage.scene.kubectl(&["get", "pod", "web", "-n", "debug", "-o", names]);
    assert_eq!(added.output().unwrap(), "ordinary");
}

/// Merges this into the pod `web`.
pub(super) fn patch(stage: &Stage, namespace: &str, patch: &Value) -> Said {
    stage.scene.kubectl(&["patch", "pod", "web", "-n", namespace, "-p", &patch.to_string()])
}

/// What gives a container another image.
pub(super) fn image(list: &str, container: &str, image: &str) -> Value {
    json!({"spec": {list: [{"name": container, "image": image}]}})
}
