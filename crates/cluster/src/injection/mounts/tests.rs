//! What is mounted in pods, and what is said of it.

use serde_json::json;

use super::super::testing::{injected, patched, settings};
use super::super::{Outcome, check_change};
use super::*;

/// A volume with a token for this audience, beside another source.
fn token(audience: &Value) -> Value {
    let token = json!({"path": "t", "audience": audience});
    json!({"name": "t", "projected": {"sources": [{"configMap": {"name": "x"}}, {"serviceAccountToken": token}]}})
}

fn mounting(name: &str, volume: &str) -> Value {
    json!({"name": name, "image": "app:1", "volumeMounts": [{"name": volume, "mountPath": "/t"}]})
}

/// A pod with this volume `t`, and with this container in the place of one of the same name; `vpn` is exempt.
fn pod(list: &str, container: Value, volume: &Value) -> Value {
    let mut pod = json!({"metadata": {"annotations": {"bulkhead-mesh.dev/exempt-containers": "vpn"}}, "spec": {
        "containers": [{"name": "app", "image": "app:1"}, {"name": "vpn", "image": "vpn:1"}],
        "volumes": [{"name": "other", "emptyDir": {}}, volume]}});
    let of_this_name = |one: &&mut Value| one["name"] == container["name"];
    match pod["spec"][list].as_array_mut().into_iter().flatten().find(of_this_name) {
        Some(there) => *there = container,
        None => pod["spec"][list] = json!([container]),
    }
    pod
}

/// The word and the sentence of a refusal.
fn said(outcome: Outcome) -> Option<(&'static str, String)> {
    match outcome {
        Outcome::Refused(refusal) => Some((refusal.word(), refusal.to_string())),
        Outcome::Patched(_) => None,
        Outcome::Skipped(skip) => panic!("{skip}"),
    }
}

#[test]
fn nobody_but_the_sidecar_gets_a_token_for_the_ca() {
    let (ours, api) = (json!("bulkhead-ca"), json!(null));
    for (list, container, audience, refused) in [
        ("containers", mounting("app", "t"), &ours, true),
        ("initContainers", mounting("prepare", "t"), &ours, true),
        ("containers", mounting("vpn", "t"), &ours, false),
        ("containers", mounting("app", "other"), &ours, false),
        ("containers", mounting("app", "t"), &api, false),
        ("containers", mounting("app", "t"), &json!("vault"), false),
    ] {
        let what = format!("{list}: {container} of {audience}");
        let told = said(injected(&pod(list, container, &token(audience))));
        assert_eq!(told.as_ref().map(|(word, _)| *word), refused.then_some("TokenForTheCa"), "{what}");
        let says = "mounts the volume `t`, which has a token for `bulkhead-ca`";
        assert!(told.is_none_or(|(_, sentence)| sentence.contains(says)), "{what}");
    }
}

#[test]
fn a_container_for_debugging_gets_no_token_for_the_ca_either() {
    let before = patched(&pod("containers", mounting("vpn", "t"), &token(&json!("bulkhead-ca"))));
    for (name, volume, word) in [
        ("debugger", "t", Some("TokenForTheCa")),
        ("debugger", "bulkhead-token", Some("SidecarsVolume")),
        ("debugger", "other", None),
        ("vpn", "t", None),
    ] {
        let mut after = before.clone();
        after["spec"]["ephemeralContainers"] = json!([mounting(name, volume)]);
        let changed = check_change(&before, &after, &settings());
        assert_eq!(changed.err().map(|refusal| refusal.word()), word, "{name} {volume}");
    }
}

#[test]
fn what_others_add_after_the_sidecar_is_held_against_it_too() {
    let mut between = patched(&json!({"spec": {"containers": [{"name": "app", "image": "app:1"}]}}));
    between["spec"]["volumes"].as_array_mut().unwrap().push(token(&json!("bulkhead-ca")));
    for (volume, word) in [("bulkhead-token", "SidecarsVolume"), ("t", "TokenForTheCa")] {
        between["spec"]["containers"][0] = mounting("app", volume);
        assert_eq!(said(injected(&between)).unwrap().0, word);
    }
}

#[test]
fn nobody_but_an_exempt_container_mounts_what_is_the_nodes_own() {
    let host = |path: &str| json!({"name": "t", "hostPath": {"path": path}});
    for (list, container, path, refused) in [
        ("containers", mounting("app", "t"), "/", true),
        ("containers", mounting("app", "t"), "/var/lib", true),
        ("containers", mounting("app", "t"), "/var/lib/bulkhead-agent/", true),
        ("containers", mounting("app", "t"), "/var/run/containerd/containerd.sock", true),
        ("initContainers", mounting("prepare", "t"), "/var/lib/kubelet/pods", true),
        ("containers", mounting("app", "t"), "/var/log", false),
        ("containers", mounting("app", "other"), "/", false),
        ("containers", mounting("vpn", "t"), "/", false),
    ] {
        let what = format!("{list}: {container} of {path}");
        let pod = pod(list, container, &host(path));
        let told = said(injected(&pod));
        assert_eq!(told.as_ref().map(|(word, _)| *word), refused.then_some("NodesOwn"), "{what}");
        let says = format!("mounts `{path}` of its node (volume `t`), by which it reaches `/");
        assert!(told.is_none_or(|(_, sentence)| sentence.contains(&says)), "{what}");
    }
    let before = patched(&pod("containers", mounting("vpn", "t"), &host("/proc")));
    let mut after = before.clone();
    after["spec"]["ephemeralContainers"] = json!([mounting("debugger", "t")]);
    assert_eq!(check_change(&before, &after, &settings()).unwrap_err().word(), "NodesOwn");
}
