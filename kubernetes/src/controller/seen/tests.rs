//! What objects reduce to, by tables.

use std::net::IpAddr;

use bulkhead_mesh::Timestamp;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;
use crate::controller::cluster::{self, Asks, EndpointState, SliceEndpoint};

const UID: &str = "5f0c7a52-3f7e-4c57-9b1d-0a1b2c3d4e5f";

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn read<O: Seen>(base: Value, more: Value) -> O {
    let mut object = base;
    merge(&mut object, more);
    serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error} in {object}"))
}

fn pod(more: Value) -> Option<cluster::Pod> {
    let base = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": UID, "creationTimestamp": "2026-11-24T17:36:52Z",
            "resourceVersion": "7", "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:x": {}}}],
            "annotations": {"large": "x"}, "labels": {"app": "web"}},
        "spec": {"serviceAccountName": "web", "nodeName": "n1", "containers": [{"name": "app", "image": "app:1"}]},
        "status": {"phase": "Running", "podIP": "10.1.0.7", "podIPs": [{"ip": "10.1.0.7"}, {"ip": "fd00::7"}]},
    });
    read::<Pod>(base, more).reduce()
}

fn addresses(texts: &[&str]) -> Box<[IpAddr]> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn of_a_pod_only_what_counts_is_kept() {
    let expected = cluster::Pod {
        namespace: "shop".into(),
        name: "web-1".into(),
        account: "web".into(),
        node: "n1".into(),
        addresses: addresses(&["10.1.0.7", "fd00::7"]),
        created: Timestamp::from_secs(1_795_541_812),
        sidecar: false,
        leaving: false,
        asks: Asks::Namespace,
    };
    assert_eq!(pod(json!({})), Some(expected));
}

#[test]
fn a_pod_counts_until_it_has_ended() {
    for (phase, counts) in
        [("Pending", true), ("Running", true), ("Unknown", true), ("Succeeded", false), ("Failed", false)]
    {
        assert_eq!(pod(json!({"status": {"phase": phase}})).is_some(), counts, "{phase}");
    }
    let leaving = pod(json!({"metadata": {"deletionTimestamp": "2026-11-24T18:00:00Z"}})).unwrap();
    assert!(leaving.leaving && !leaving.addresses.is_empty(), "it owns its addresses to the end: {leaving:?}");
}

#[test]
fn a_pod_owns_the_addresses_that_are_its_own() {
    for (more, expected) in [
        (json!({"spec": {"hostNetwork": true}}), &[][..]),
        (json!({"status": {"podIPs": null}}), &[]),
        (json!({"status": {"podIPs": []}}), &[]),
        (json!({"status": {"podIPs": [{"ip": "none"}, {}, {"ip": "10.1.0.8"}]}}), &["10.1.0.8"]),
    ] {
        assert_eq!(pod(more.clone()).unwrap().addresses, addresses(expected), "{more}");
    }
}

#[test]
fn what_the_ca_would_not_take_is_not_kept() {
    for account in [json!(null), json!("")] {
        assert_eq!(&*pod(json!({"spec": {"serviceAccountName": account}})).unwrap().account, "default");
    }
    let many: Vec<_> = (0..20).map(|number| json!({"ip": format!("10.1.0.{number}")})).collect();
    assert_eq!(pod(json!({"status": {"podIPs": many}})).unwrap().addresses.len(), 8);
}

#[test]
fn only_the_container_makes_a_sidecar() {
    let proxy = |more: Value| {
        let mut container = json!({"name": "bulkhead-proxy", "restartPolicy": "Always"});
        merge(&mut container, more);
        json!({"spec": {"initContainers": [{"name": "migrate"}, container]}})
    };
    for (more, expected) in [
        (proxy(json!({})), true),
        (proxy(json!({"name": "bulkhead-proxy-2"})), false),
        (proxy(json!({"restartPolicy": null})), false),
        (json!({"spec": {"containers": [{"name": "bulkhead-proxy", "restartPolicy": "Always"}]}}), false),
        (json!({"metadata": {"annotations": {"bulkhead-mesh.dev/status": "{}"}}}), false),
        (json!({"metadata": {"labels": {"bulkhead-mesh.dev/inject": "enabled"}}}), false),
    ] {
        assert_eq!(pod(more.clone()).unwrap().sidecar, expected, "{more}");
    }
}

#[test]
fn who_must_ask_for_a_sidecar_follows_the_injectors_rules() {
    let label = |value: &str| json!({"metadata": {"labels": {"bulkhead-mesh.dev/inject": value}}});
    for (more, expected) in [
        (json!({}), Asks::Namespace),
        (json!({"metadata": {"labels": null, "annotations": null}}), Asks::Namespace),
        (label("enabled"), Asks::Itself),
        (label("disabled"), Asks::Nobody),
        (label("yes"), Asks::Nobody),
        (json!({"spec": {"hostNetwork": true}}), Asks::Nobody),
        (json!({"spec": {"os": {"name": "windows"}}}), Asks::Nobody),
        (json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}), Asks::Nobody),
        (json!({"spec": {"containers": [{"name": "istio-proxy"}]}}), Asks::Nobody),
    ] {
        assert_eq!(pod(more.clone()).unwrap().asks, expected, "{more}");
    }
}

fn service(more: Value) -> Option<cluster::Service> {
    let base = json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}]},
    });
    read::<Service>(base, more).reduce()
}

#[test]
fn a_service_has_an_entry_where_it_has_an_address_and_a_tcp_port() {
    let port = |number: u16| Some((vec!["10.96.0.7"], vec![("http", number)]));
    for (more, expected) in [
        (json!({}), port(80)),
        (json!({"spec": {"clusterIPs": ["None"]}}), None),
        (json!({"spec": {"clusterIPs": null, "type": "ExternalName", "externalName": "example.org"}}), None),
        (json!({"spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}), None),
        (
            json!({"spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "http", "port": 53}]}}),
            port(53),
        ),
        (json!({"spec": {"ports": [{"name": "http", "port": 0}, {"name": "http", "port": 70_000}]}}), None),
        (json!({"spec": {"ports": [{"port": 8080}]}}), Some((vec!["10.96.0.7"], vec![("", 8080)]))),
        (
            json!({"spec": {"clusterIPs": ["10.96.0.7", "fd01::7"]}}),
            Some((vec!["10.96.0.7", "fd01::7"], vec![("http", 80)])),
        ),
    ] {
        let expected = expected.map(|(texts, ports)| cluster::Service {
            addresses: addresses(&texts),
            ports: ports.into_iter().map(|(name, port)| (name.into(), port)).collect(),
        });
        assert_eq!(service(more.clone()), expected, "{more}");
    }
}

fn slice(more: Value) -> Option<cluster::Slice> {
    let base = json!({
        "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.0.7", "10.1.0.8"], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    });
    read::<EndpointSlice>(base, more).reduce()
}

#[test]
fn a_slice_says_who_answers_a_service_at_which_port() {
    let expected = cluster::Slice {
        service: "web.shop".parse().unwrap(),
        ports: [("http".into(), 8080)].into(),
        endpoints: [SliceEndpoint { address: "10.1.0.7".parse().unwrap(), state: EndpointState::Ready }].into(),
    };
    assert_eq!(slice(json!({})), Some(expected));
    for nothing in [
        json!({"addressType": "FQDN"}),
        json!({"metadata": {"labels": null}}),
        json!({"ports": null}),
        json!({"ports": [{"name": "all", "protocol": "TCP"}]}),
        json!({"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}),
    ] {
        assert_eq!(slice(nothing.clone()), None, "{nothing}");
    }
}

#[test]
fn an_endpoints_conditions_say_whether_it_takes_connections() {
    use EndpointState::{Ending, Ready, Unready};
    for (conditions, expected) in [
        (json!(null), Ready),
        (json!({}), Ready),
        (json!({"ready": null}), Ready),
        (json!({"ready": true, "serving": true, "terminating": false}), Ready),
        (json!({"ready": false}), Unready),
        (json!({"ready": false, "serving": true, "terminating": false}), Unready),
        (json!({"ready": false, "serving": true, "terminating": true}), Ending),
        (json!({"ready": false, "serving": false, "terminating": true}), Unready),
        (json!({"ready": false, "terminating": true}), Unready),
    ] {
        let slice = slice(json!({"endpoints": [{"addresses": ["10.1.0.7"], "conditions": conditions}]})).unwrap();
        assert_eq!(slice.endpoints[0].state, expected, "{conditions}");
    }
}

#[test]
fn malformed_endpoints_are_left_out() {
    let slice = slice(json!({"endpoints": [{"addresses": []}, {}, {"addresses": ["x"]}, {"addresses": ["10.1.0.9"]}]}));
    assert_eq!(slice.unwrap().endpoints.len(), 1);
}

#[test]
fn what_does_not_count_any_more_is_gone() {
    let ended: Pod =
        read(json!({"metadata": {"uid": UID, "name": "a", "namespace": "b"}}), json!({"status": {"phase": "Failed"}}));
    let uid = "5f0c7a523f7e4c579b1d0a1b2c3d4e5f".parse().unwrap();
    assert_eq!(change(Event::Apply(ended.clone())), Some(Change::Gone(uid)));
    assert_eq!(change(Event::Delete(ended)), Some(Change::Gone(uid)));
    let nameless: Pod = read(json!({"metadata": {"name": "a"}}), json!({}));
    assert_eq!(change(Event::Apply(nameless)), None);
    assert_eq!(change::<Pod>(Event::Init), Some(Change::Begins));
    assert_eq!(change::<Pod>(Event::InitDone), Some(Change::Complete));
}

#[test]
fn a_config_maps_content_and_owner_are_told_apart() {
    let base = json!({"metadata": {"name": "bulkhead-trust", "namespace": "shop", "resourceVersion": "3",
        "labels": {"app.kubernetes.io/managed-by": "bulkhead"}}, "data": {"root.pem": "PEM", "other": "x"}});
    let reduced = |more: Value| read::<ConfigMap>(base.clone(), more).reduce().unwrap();
    let right = reduced(json!({}));
    assert_eq!((right.content, right.managed, &*right.version), (Some(digest_of("PEM")), true, "3"));
    assert_ne!(reduced(json!({"data": {"root.pem": "PEM "}})).content, right.content);
    assert_eq!(reduced(json!({"data": null})).content, None);
    assert!(!reduced(json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}})).managed);
}
