//! While no injector answers.

use serde_json::{Value, json};

use super::change::{image, patch};
use crate::injector::{OF_CHANGES, Stage, WEBHOOKS, app, enabled, named};

/// Who asked for a sidecar waits rather than starts without one; nobody else notices.
#[test]
fn an_outage_touches_new_pods_that_asked_and_dangerous_changes_alone() {
    let Stage { scene, injector } = Stage::start(&[]).unwrap();
    scene.namespace("asked", &enabled());
    scene.namespace("silent", &json!({}));
    for namespace in ["asked", "silent"] {
        scene.server.create(&named(namespace, "web"), false).unwrap().output().unwrap();
    }
    drop(injector);
    let labelled = |namespace: &str, label: &str| {
        let mut pod = app(namespace);
        pod["metadata"]["labels"] = json!({"bulkhead-mesh.dev/inject": label});
        pod
    };
    let create = |pod: &Value| scene.server.create(pod, false).unwrap();
    for asking in [app("asked"), labelled("silent", "enabled")] {
        let said = create(&asking);
        assert!(!said.done && said.complaints.contains("failed calling webhook"), "{said:?}");
    }
    for other in [app("silent"), labelled("asked", "disabled"), labelled("bulkhead-system", "enabled")] {
        create(&other).output().unwrap();
    }
    let stage = Stage { injector: scene.injector(&[]).unwrap(), scene }; // Nobody asks it yet.
    for harmless in [
        json!({"metadata": {"labels": {"tier": "front"}}}),
        json!({"metadata": {"annotations": {"example.com/a": "b"}}}),
        json!({"metadata": {"finalizers": ["example.com/wait"]}}),
        json!({"metadata": {"finalizers": null}}),
        image("containers", "app", "app:2"),
    ] {
        patch(&stage, "asked", &harmless).output().unwrap();
    }
    let said = patch(&stage, "asked", &image("initContainers", "bulkhead-proxy", "evil:1"));
    assert!(!said.done && said.complaints.contains(OF_CHANGES), "{said:?}");
    let debug = |namespace: &str| {
        let words = ["debug", "web", "-n", namespace, "--image=busybox:1", "--attach=false", "--profile=baseline"];
        stage.scene.kubectl(&words)
    };
    assert!(!debug("asked").done);
    debug("silent").output().unwrap();
    let delete = ["delete", "pod", "web", "-n", "asked", "--grace-period=0", "--force"];
    stage.scene.kubectl(&delete).output().unwrap();

    stage.scene.ask(&stage.injector, &WEBHOOKS).unwrap();
    stage.scene.until_injected(&app("asked"), &stage.injector);
}
