//! What is true of every pod that gets a sidecar.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::testing::{injected, patched};

proptest! {
    #[test]
    fn a_second_time_changes_nothing(pod in any_pod()) {
        let Outcome::Patched(again) = injected(&patched(&pod)) else { panic!("{:?}", injected(&patched(&pod))) };
        prop_assert!(again.0.is_empty(), "{again:?}");
    }

    #[test]
    fn what_others_add_in_between_is_kept_and_calls_for_no_patch(pod in any_pod()) {
        let mut between = patched(&pod);
        for container in between["spec"]["initContainers"].as_array_mut().unwrap() {
            container["terminationMessagePath"] = json!("/dev/termination-log");
            mount_api_token(container);
        }
        let Outcome::Patched(again) = injected(&between) else { panic!("{:?}", injected(&between)) };
        prop_assert!(again.0.is_empty(), "{again:?}");
    }

    #[test]
    fn neither_container_is_given_the_accounts_token_for_the_api(pod in any_pod()) {
        let mut between = patched(&pod);
        let ours = &mut between["spec"]["initContainers"].as_array_mut().unwrap()[..2];
        ours.iter_mut().for_each(mount_api_token);
        let mounts = ours.iter().flat_map(|container| container["volumeMounts"].as_array().unwrap());
        let volumes: Vec<_> = mounts.map(|mount| mount["name"].as_str().unwrap()).collect();
        prop_assert!(volumes.iter().all(|name| name.starts_with("bulkhead-")), "{volumes:?}");
    }

    #[test]
    fn what_a_pod_brings_along_in_our_name_is_as_if_it_had_not(pod in any_pod(), brought in any_addition(), which in 0..2_usize) {
        let mut copied = patched(&pod);
        let (pointer, value) = brought;
        let container = &mut copied["spec"]["initContainers"][which];
        let (holder, field) = pointer.rsplit_once('/').unwrap();
        match container.pointer_mut(holder).unwrap().get_mut(field) {
            Some(Value::Array(list)) => list.push(value),
            _ => container.pointer_mut(holder).unwrap()[field] = value,
        }
        prop_assert_eq!(patched(&copied), patched(&pod));
    }

    #[test]
    fn everything_of_the_user_stays_but_for_the_handlers_of_probes(pod in any_pod()) {
        prop_assert_eq!(without_ours(&patched(&pod), &pod), without_handlers(&pod));
    }

    #[test]
    fn nothing_of_the_pod_runs_before_capture(pod in any_pod()) {
        let after = patched(&pod);
        let names: Vec<_> = after["spec"]["initContainers"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        prop_assert_eq!(&names[..2], ["bulkhead-capture", "bulkhead-proxy"]);
    }

    #[test]
    fn no_json_makes_it_panic(pod in any_json()) {
        let _ = injected(&pod);
        let _ = injected(&json!({"metadata": pod, "spec": pod}));
        let _ = injected(&json!({"spec": {"containers": [pod], "initContainers": pod, "volumes": pod}}));
        let _ = injected(&json!({"spec": {"containers": [{"name": "app", "livenessProbe": pod, "lifecycle": pod}]}}));
    }
}

/// What the API server does to every container that has nothing at that path (admission plugin ServiceAccount).
fn mount_api_token(container: &mut Value) {
    let at = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mounts = container.as_object_mut().unwrap().entry("volumeMounts").or_insert(json!([])).as_array_mut().unwrap();
    if !mounts.iter().any(|mount| mount["mountPath"] == at) {
        mounts.push(json!({"name": "kube-api-access-x", "mountPath": at, "readOnly": true}));
    }
}

/// The pod as it was, if only handlers and what is ours were changed; what was not there and is empty now is not either.
fn without_ours(after: &Value, before: &Value) -> Value {
    let mut pod = without_handlers(after);
    for (list, names) in [
        ("initContainers", &["bulkhead-capture", "bulkhead-proxy"][..]),
        ("volumes", &["bulkhead-token", "bulkhead-trust", "bulkhead-state"]),
    ] {
        pod["spec"][list].as_array_mut().unwrap().retain(|one| !names.iter().any(|name| one["name"] == *name));
        restore(&mut pod, before, "/spec", list, &json!([]));
    }
    pod["metadata"]["annotations"].as_object_mut().unwrap().remove("bulkhead-mesh.dev/status");
    restore(&mut pod, before, "/metadata", "annotations", &json!({}));
    pod
}

fn restore(pod: &mut Value, before: &Value, holder: &str, field: &str, empty: &Value) {
    if before.pointer(&format!("{holder}/{field}")).is_none() {
        let taken = pod.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(field);
        assert_eq!(taken.as_ref(), Some(empty));
    }
}

fn without_handlers(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for list in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for place in containers.flat_map(|container| {
            container
                .as_object_mut()
                .unwrap()
                .iter_mut()
                .filter(|(name, _)| name.ends_with("Probe"))
                .map(|(_, probe)| probe)
        }) {
            let handlers = ["httpGet", "tcpSocket", "grpc"];
            place.as_object_mut().unwrap().retain(|name, _| !handlers.contains(&name.as_str()));
        }
    }
    pod
}

fn any_pod() -> impl Strategy<Value = Value> {
    let lists = (prop::collection::vec(any_container(), 0..3), prop::collection::vec(any_container(), 1..4));
    let rest = (prop::option::of(prop::collection::vec(any_unknown(), 0..3)), any_unknown(), any::<bool>());
    (lists, rest).prop_map(|((init, main), (volumes, unknown, annotated))| {
        let named = |prefix: &str, list: Vec<Value>| -> Vec<Value> {
            let name = |(index, mut one): (usize, Value)| {
                one["name"] = json!(format!("{prefix}{index}"));
                one
            };
            list.into_iter().enumerate().map(name).collect()
        };
        let mut spec = json!({"containers": named("app", main), "unknown": unknown});
        if !init.is_empty() {
            spec["initContainers"] = json!(named("init", init));
        }
        if let Some(volumes) = volumes {
            spec["volumes"] = json!(named("volume", volumes.into_iter().map(|one| json!({"source": one})).collect()));
        }
        let mut metadata = json!({"generateName": "web-"});
        if annotated {
            metadata["annotations"] = json!({"example.com/a": "b"});
        }
        json!({"metadata": metadata, "spec": spec})
    })
}

fn any_container() -> impl Strategy<Value = Value> {
    let probes = prop::collection::btree_map(
        prop::sample::select(vec!["startupProbe", "livenessProbe", "readinessProbe"]),
        any_probe(),
        0..3,
    );
    (probes, any_unknown()).prop_map(|(probes, unknown)| {
        let mut container = Map::from_iter([("unknown".to_owned(), unknown)]);
        container.insert("ports".to_owned(), json!([{"name": "web", "containerPort": 8080}]));
        container.extend(probes.into_iter().map(|(name, probe)| (name.to_owned(), probe)));
        Value::Object(container)
    })
}

fn any_probe() -> impl Strategy<Value = Value> {
    let port = prop_oneof![Just(json!("web")), (1_u16..15_000).prop_map(|port| json!(port))];
    let handler = (port, 0..5_u8, "/[a-z$()]{0,5}").prop_map(|(port, which, path)| match which {
        0 => json!({"httpGet": {"port": port, "path": path}}),
        1 => json!({"httpGet": {"port": port, "scheme": "HTTPS", "httpHeaders": [{"name": "a", "value": path}]}}),
        2 => json!({"tcpSocket": {"port": port}}),
        3 => json!({"grpc": {"port": 9000, "service": null}}),
        _ => json!({"exec": {"command": ["true"]}}),
    });
    (handler, prop::option::of(1..60_u32)).prop_map(|(mut probe, period)| {
        if let Some(period) = period {
            probe["periodSeconds"] = json!(period);
        }
        probe
    })
}

/// What somebody could write into a container of our name, and where.
fn any_addition() -> impl Strategy<Value = (&'static str, Value)> {
    prop::sample::select(vec![
        ("/env", json!({"name": "BULKHEAD_PERMISSIVE_UNTIL", "value": "2099-01-01T00:00:00Z"})),
        ("/env", json!({"name": "BULKHEAD_PROXY_UID", "value": "1000"})),
        ("/env", json!({"name": "LD_PRELOAD", "value": "/x"})),
        ("/envFrom", json!([{"configMapRef": {"name": "x"}}])),
        ("/args", json!("--help")),
        ("/command", json!("x")),
        ("/image", json!("other:1")),
        ("/lifecycle", json!({"postStart": {"exec": {"command": ["sh"]}}})),
        ("/securityContext/capabilities/add", json!("SYS_ADMIN")),
        ("/securityContext/privileged", json!(true)),
        ("/volumeMounts", json!({"name": "x", "mountPath": "/bulkhead-proxy"})),
        (
            "/volumeMounts",
            json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}),
        ),
    ])
}

/// Something in a field that this version does not know.
fn any_unknown() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(|text| json!(text)),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(|list| json!({"list": list})),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(
        "name metadata spec labels annotations containers initContainers volumes httpGet port path host grpc tcpSocket env \
         ports preStop securityContext runAsUser capabilities add"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    any_unknown().prop_recursive(4, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(names.clone(), inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}
