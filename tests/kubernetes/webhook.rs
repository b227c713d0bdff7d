//! What becomes of pods that a real API server is asked for, while it asks the real injector.

mod certificate;
mod change;
mod outage;

use serde_json::{Value, json};

use crate::injector::{Stage, app, enabled, is_injected, named};
use crate::pods::account;

#[test]
fn labels_of_the_namespace_and_of_the_pod_decide_who_gets_a_sidecar() {
    let stage = Stage::shared();
    stage.scene.namespace("asked", &enabled());
    stage.scene.namespace("silent", &json!({}));
    account(&stage.scene.server, "kube-system", "default").unwrap();
    for system in ["kube-system", "bulkhead-system"] {
        let label = ["label", "namespace", system, "bulkhead-mesh.dev/inject=enabled"];
        stage.scene.kubectl(&label).output().unwrap();
    }
    for (namespace, label, gets_one) in [
        ("asked", None, true),
        ("asked", Some("enabled"), true),
        ("asked", Some("disabled"), false),
        ("silent", None, false),
        ("silent", Some("enabled"), true),
        ("silent", Some("disabled"), false),
        ("kube-system", Some("enabled"), false),
        ("kube-system", None, false),
        ("bulkhead-system", Some("enabled"), false),
        ("bulkhead-system", None, false),
    ] {
        let mut pod = app(namespace);
        if let Some(label) = label {
            pod["metadata"]["labels"] = json!({"bulkhead-mesh.dev/inject": label});
        }
        let said = stage.scene.server.create(&pod, false).unwrap();
        assert_eq!(said.complaints, "", "{namespace} {label:?}");
        assert_eq!(is_injected(&said.output), gets_one, "{namespace} {label:?}: {}", said.output);
    }
}

#[test]
fn a_label_that_nobody_knows_is_refused_rather_than_passed_over() {
    let stage = Stage::shared();
    let mistyped = json!({"bulkhead-mesh.dev/inject": "true"});
    stage.scene.namespace("labelled", &enabled());
    stage.scene.namespace("unlabelled", &json!({}));
    stage.scene.namespace("mistyped", &mistyped);
    for (namespace, label) in
        [("labelled", mistyped.clone()), ("unlabelled", mistyped), ("mistyped", json!({})), ("mistyped", enabled())]
    {
        let mut pod = app(namespace);
        pod["metadata"]["labels"] = label.clone();
        let said = stage.scene.server.create(&pod, true).unwrap();
        if label == enabled() {
            assert!(said.done && is_injected(&said.output), "the pod's own word counts more: {said:?}");
        } else {
            let sentence = "the label `bulkhead-mesh.dev/inject` is `true`, and must be `enabled` or `disabled`";
            assert!(!said.done && said.complaints.contains(sentence), "{namespace} {label}: {said:?}");
        }
    }
}

#[test]
fn a_pod_is_injected_whatever_its_name_and_its_size() {
    let stage = Stage::shared();
    stage.scene.namespace("sizes", &enabled());
    let mut large = named("sizes", "large");
    large["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "x".repeat(300_000)}]);
    large["metadata"]["annotations"] = json!({"example.com/note": "y".repeat(200_000)});
    for pod in [app("sizes"), large] {
        let made = stage.scene.server.create(&pod, false).unwrap().output().unwrap();
        assert!(is_injected(&made));
        let made: Value = serde_json::from_str(&made).unwrap();
        let name = made["metadata"]["name"].as_str().unwrap();
        assert!(name == "large" || name.len() > "web-".len(), "{name}");
        assert_eq!(made["spec"]["containers"][0]["env"], pod["spec"]["containers"][0]["env"]);
        assert_eq!(
            made["metadata"]["annotations"]["example.com/note"],
            pod["metadata"]["annotations"]["example.com/note"]
        );
    }
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence_and_told_in_an_event() {
    let stage = Stage::shared();
    stage.scene.namespace("faults", &enabled());
    let mut hardened = enabled();
    hardened["pod-security.kubernetes.io/enforce"] = json!("restricted");
    stage.scene.namespace("hardened", &hardened);
    let app = |more: Value| json!([{"name": "app", "image": "app:1", "securityContext": more}]);
    for (name, namespace, pointer, value, reason, sentence) in [
        (
            "bad",
            "faults",
            "/metadata/annotations",
            json!({"bulkhead-mesh.dev/permissive-until": "tomorrow"}),
            "BadAnnotation",
            "annotation `bulkhead-mesh.dev/permissive-until`: ",
        ),
        (
            "unknown",
            "faults",
            "/metadata/annotations",
            json!({"bulkhead-mesh.dev/permisive": "2026-01-01T00:00:00Z"}),
            "BadAnnotation",
            "there is no annotation `bulkhead-mesh.dev/permisive`; there are ",
        ),
        (
            "same-user",
            "faults",
            "/spec/containers",
            app(json!({"runAsUser": 10_101})),
            "SidecarsUser",
            "container `app` would run as user 10101, which is the sidecar's",
        ),
        (
            "administrator",
            "faults",
            "/spec/containers",
            app(json!({"capabilities": {"add": ["NET_ADMIN"]}})),
            "NetworkAdmin",
            "container `app` could take the capture rules away (capability `NET_ADMIN`)",
        ),
        (
            "impostor",
            "faults",
            "/spec",
            mounting(
                &json!({"projected": {"sources": [{"serviceAccountToken": {"audience": "bulkhead-ca", "path": "t"}}]}}),
            ),
            "TokenForTheCa",
            "container `app` mounts the volume `stolen`, which has a token for `bulkhead-ca`",
        ),
        (
            "burglar",
            "faults",
            "/spec",
            mounting(&json!({"hostPath": {"path": "/var/lib/kubelet/pods"}})),
            "NodesOwn",
            "container `app` mounts `/var/lib/kubelet/pods` of its node",
        ),
        (
            "hard",
            "hardened",
            "/spec/automountServiceAccountToken",
            json!(false),
            "PodSecurity",
            "namespace `hardened` has the label `pod-security.kubernetes.io/enforce=restricted`, which forbids",
        ),
    ] {
        let mut pod = named(namespace, name);
        let (holder, field) = pointer.rsplit_once('/').unwrap();
        pod.pointer_mut(holder).unwrap()[field] = value;
        let said = stage.scene.server.create(&pod, false).unwrap();
        assert!(!said.done && said.complaints.contains(sentence), "{name}: {said:?}");
        let told = stage.scene.event(namespace, "Pod", name, reason, &stage.injector);
        assert!(told.contains(sentence), "{name}: {told}");
    }
}

/// A pod whose container mounts this.
fn mounting(volume: &Value) -> Value {
    let mut volume = volume.clone();
    volume["name"] = json!("stolen");
    let mounts = json!([{"name": "stolen", "mountPath": "/stolen"}]);
    json!({"containers": [{"name": "app", "image": "app:1", "volumeMounts": mounts}], "volumes": [volume]})
}

/// A refused pod never comes to be, so that its owner is where somebody looks.
#[test]
fn an_event_is_about_the_owner_or_about_what_the_pod_would_have_been_called() {
    let stage = Stage::shared();
    stage.scene.namespace("owners", &enabled());
    let mut pod = app("owners");
    pod["metadata"]["annotations"] = json!({"bulkhead-mesh.dev/log-level": "loud"});
    let said = stage.scene.server.create(&pod, false).unwrap();
    assert!(!said.done && said.complaints.contains("loud"), "{said:?}");
    stage.scene.event("owners", "Pod", "web", "BadAnnotation", &stage.injector);
    let owner =
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d", "uid": "u-1", "controller": true});
    pod["metadata"]["ownerReferences"] = json!([owner]);
    assert!(!stage.scene.server.create(&pod, false).unwrap().done);
    stage.scene.event("owners", "ReplicaSet", "web-5d", "BadAnnotation", &stage.injector);
}

#[test]
fn a_pod_on_its_nodes_network_is_let_in_with_a_warning_and_an_event() {
    let stage = Stage::shared();
    stage.scene.namespace("host", &enabled());
    let mut pod = named("host", "probe");
    pod["spec"]["hostNetwork"] = json!(true);
    let said = stage.scene.server.create(&pod, false).unwrap();
    let sentence = "the pod uses its node's network (`hostNetwork: true`)";
    assert!(said.complaints.contains(&format!("Warning: no sidecar was injected: {sentence}")), "{said:?}");
    assert!(!is_injected(&said.output().unwrap()));
    let told = stage.scene.event("host", "Pod", "probe", "HostNetwork", &stage.injector);
    assert!(told.contains(sentence), "{told}");
}

#[test]
fn a_dry_run_is_answered_like_a_pod_and_leaves_no_event() {
    let stage = Stage::shared();
    stage.scene.namespace("dry", &enabled());
    let made = stage.scene.server.create(&app("dry"), true).unwrap().output().unwrap();
    assert!(is_injected(&made));
    for (name, dry_run) in [("never", true), ("once", false)] {
        let mut pod = named("dry", name);
        pod["metadata"]["annotations"] = json!({"bulkhead-mesh.dev/unknown": "1"});
        assert!(!stage.scene.server.create(&pod, dry_run).unwrap().done);
    }
    // Events are written in the order in which they have come to be.
    stage.scene.event("dry", "Pod", "once", "BadAnnotation", &stage.injector);
    let told = stage.scene.kubectl(&["get", "events", "-n", "dry", "-o", "jsonpath={.items[*].involvedObject.name}"]);
    assert_eq!(told.output().unwrap(), "once");
    let pods = stage.scene.kubectl(&["get", "pods", "-n", "dry", "-o", "name"]);
    assert_eq!(pods.output().unwrap(), "");
}

/// It adds its container only when the sidecar is there; so the injector must have been asked again to have moved its probe.
#[test]
fn what_another_mutator_adds_afterwards_belongs_to_the_mesh_too() {
    let stage = Stage::shared();
    stage.scene.namespace("crowd", &json!({"bulkhead-mesh.dev/inject": "enabled", "crowd": "yes"}));
    another_mutator(&stage);
    let look = || stage.scene.server.create(&app("crowd"), true).unwrap().output().unwrap();
    let made = crate::controller::until("the other one", look, |pod| pod.contains("logs:1"), || stage.injector.log());
    assert!(is_injected(&made), "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    let names = |list: &str| -> Vec<String> {
        let containers = made["spec"][list].as_array().into_iter().flatten();
        containers.map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("initContainers"), ["bulkhead-capture", "bulkhead-proxy"]);
    assert_eq!(names("containers").len(), 2);
    let containers = made["spec"]["containers"].as_array().unwrap();
    let added = containers.iter().find(|container| container["name"] == "logs").unwrap();
    assert_ne!(added["readinessProbe"]["httpGet"]["port"], 2020, "the kubelet would be refused: {added}");
    assert_eq!(added["readinessProbe"]["periodSeconds"], 7, "{added}");
}

fn another_mutator(stage: &Stage) {
    let group = "admissionregistration.k8s.io/v1";
    let expression = "has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == 'bulkhead-proxy') \
        && !object.spec.containers.exists(c, c.name == 'logs') \
        ? Object{spec: Object.spec{containers: [Object.spec.containers{name: 'logs', image: 'logs:1', \
        readinessProbe: Object.spec.containers.readinessProbe{periodSeconds: 7, \
        httpGet: Object.spec.containers.readinessProbe.httpGet{path: '/ok', port: 2020}}}]}} : Object{}";
    let policy = json!({"apiVersion": group, "kind": "MutatingAdmissionPolicy", "metadata": {"name": "logs"}, "spec": {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    }});
    let binding = json!({"apiVersion": group, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "logs"},
        "spec": {"policyName": "logs",
            "matchResources": {"namespaceSelector": {"matchLabels": {"crowd": "yes"}}}}});
    for object in [policy, binding] {
        stage.scene.server.create(&object, false).unwrap().output().unwrap();
    }
}
