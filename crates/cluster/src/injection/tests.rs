//! What becomes of pods, by tables.

use serde_json::{Value, json};

use super::testing::{injected, now, patched, settings, shop};
use super::*;

fn pod(more: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}});
    merge(&mut pod, more);
    pod
}

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

#[test]
fn whether_a_pod_is_injected_is_said_by_itself_and_else_by_its_namespace() {
    let not_asked = || Some(Skip::NotAsked);
    let out = || Some(Skip::OptedOut);
    for (of_namespace, of_pod, expected) in [
        (None, None, not_asked()),
        (None, Some("enabled"), None),
        (None, Some("disabled"), out()),
        (Some("enabled"), None, None),
        (Some("enabled"), Some("disabled"), out()),
        (Some("disabled"), None, out()),
        (Some("disabled"), Some("enabled"), None),
    ] {
        let labels = of_pod.map_or(json!({}), |value| json!({"bulkhead-mesh.dev/inject": value}));
        let namespace = Namespace { inject: of_namespace.map(str::to_owned), ..shop() };
        let outcome = inject(&pod(json!({"metadata": {"labels": labels}})), &namespace, &settings(), now());
        match expected {
            Some(skip) => assert_eq!(outcome, Outcome::Skipped(skip)),
            None => assert!(matches!(outcome, Outcome::Patched(_)), "{outcome:?}"),
        }
    }
}

#[test]
fn a_pod_that_cannot_have_a_sidecar_is_let_in_without_one() {
    for (more, word) in [
        (json!({"spec": {"hostNetwork": true}}), "HostNetwork"),
        (json!({"spec": {"os": {"name": "windows"}}}), "OperatingSystem"),
        (json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}), "StaticPod"),
        (json!({"spec": {"initContainers": [{"name": "linkerd-init"}]}}), "OtherMesh"),
        (json!({"spec": {"containers": [{"name": "app"}, {"name": "istio-proxy"}]}}), "OtherMesh"),
    ] {
        let Outcome::Skipped(skip) = injected(&pod(more.clone())) else { panic!("{more}") };
        assert_eq!(skip.word(), word);
    }
    let system = Namespace { is_system: true, ..shop() };
    let outcome = inject(&pod(json!({})), &system, &settings(), now());
    assert_eq!(outcome, Outcome::Skipped(Skip::System("shop".to_owned())));
}

#[test]
fn what_would_make_the_sidecar_worthless_is_refused() {
    let context = |context: Value| json!({"spec": {"containers": [{"name": "app", "securityContext": context}]}});
    let mounting = |volume: &str| {
        let mount = json!({"name": volume, "mountPath": "/x"});
        json!({"spec": {"containers": [{"name": "app", "volumeMounts": [mount]}]}})
    };
    for (more, word, says) in [
        (context(json!({"runAsUser": 10101})), "SidecarsUser", "run as user 10101"),
        (context(json!({"runAsGroup": 10101})), "SidecarsUser", "run as group 10101"),
        (json!({"spec": {"securityContext": {"runAsUser": 10101}}}), "SidecarsUser", "container `app`"),
        (json!({"spec": {"securityContext": {"supplementalGroups": [1, 10101]}}}), "SidecarsUser", "group 10101"),
        (json!({"spec": {"securityContext": {"fsGroup": 10101}}}), "SidecarsUser", "group 10101"),
        (context(json!({"privileged": true})), "NetworkAdmin", "`privileged: true`"),
        (context(json!({"capabilities": {"add": ["CHOWN", "NET_ADMIN"]}})), "NetworkAdmin", "capability `NET_ADMIN`"),
        (context(json!({"capabilities": {"add": ["CAP_NET_ADMIN"]}})), "NetworkAdmin", "capability `CAP_NET_ADMIN`"),
        (context(json!({"capabilities": {"add": ["all"]}})), "NetworkAdmin", "capability `all`"),
        (context(json!({"capabilities": {"add": ["SYS_ADMIN"]}})), "NetworkAdmin", "capability `SYS_ADMIN`"),
        (mounting("bulkhead-state"), "SidecarsVolume", "the volume `bulkhead-state`"),
        (mounting("bulkhead-token"), "SidecarsVolume", "the volume `bulkhead-token`"),
        (
            json!({"spec": {"containers": [{"name": "app", "ports": [{"containerPort": 15006}]}]}}),
            "SidecarsPort",
            "port 15006",
        ),
        (json!({"spec": {"shareProcessNamespace": true}}), "SharedProcesses", "`shareProcessNamespace: true`"),
        (json!({"spec": {"hostPID": true}}), "SharedProcesses", "`hostPID: true`"),
        (json!({"metadata": {"labels": {"bulkhead-mesh.dev/inject": "yes"}}}), "BadLabel", "`yes`"),
        (json!({"metadata": {"annotations": {"bulkhead-mesh.dev/mode": "x"}}}), "BadAnnotation", "no annotation"),
    ] {
        let Outcome::Refused(refusal) = injected(&pod(more.clone())) else { panic!("{more}") };
        assert_eq!(refusal.word(), word);
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

#[test]
fn a_container_that_is_named_may_be_what_others_may_not() {
    let exempt = |names: &str, spec: Value| {
        let annotations = json!({"bulkhead-mesh.dev/exempt-containers": names});
        injected(&pod(json!({"metadata": {"annotations": annotations}, "spec": spec})))
    };
    let admin = json!({"capabilities": {"add": ["NET_ADMIN"]}});
    let two = json!({"containers": [{"name": "app"}, {"name": "vpn", "securityContext": admin}]});
    assert!(matches!(exempt("vpn", two.clone()), Outcome::Patched(_)));
    assert!(matches!(exempt("app", two.clone()), Outcome::Refused(Refusal::NetworkAdmin { .. })));
    let mut sharing = two;
    sharing["shareProcessNamespace"] = json!(true);
    let Outcome::Refused(refusal) = exempt("vpn", sharing.clone()) else { panic!("`app` sees the sidecar's memory") };
    assert!(refusal.to_string().starts_with("container `app`"), "{refusal}");
    assert!(matches!(exempt("vpn,app", sharing), Outcome::Patched(_)));
}

#[test]
fn a_namespace_that_forbids_the_init_container_is_named_with_what_to_do() {
    for (level, refused) in [("privileged", false), ("baseline", true), ("restricted", true)] {
        let namespace = Namespace { pod_security: Some(level.to_owned()), ..shop() };
        match inject(&pod(json!({})), &namespace, &settings(), now()) {
            Outcome::Refused(refusal) if refused => {
                let says = format!("`pod-security.kubernetes.io/enforce={level}`");
                assert!(refusal.to_string().contains(&says), "{refusal}");
            }
            outcome => assert!(!refused && matches!(outcome, Outcome::Patched(_)), "{level}: {outcome:?}"),
        }
    }
}

#[test]
fn probes_ask_the_sidecar_and_the_sidecar_knows_what_they_asked() {
    let pod = pod(json!({"spec": {"terminationGracePeriodSeconds": 45, "containers": [{
        "name": "app",
        "ports": [{"name": "web", "containerPort": 8080}],
        "startupProbe": {"grpc": {"port": 9000, "service": "shop"}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/ok", "port": "web", "scheme": "HTTPS",
            "httpHeaders": [{"name": "Host", "value": "shop"}]}, "timeoutSeconds": 5, "initialDelaySeconds": 9},
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "lifecycle": {"postStart": {"exec": {"command": ["true"]}}, "preStop": {"httpGet": {"port": 8080, "path": "bye"}}},
    }]}}));
    let after = patched(&pod);
    let app = &after["spec"]["containers"][0];
    let ours = |kind: &str| json!({"path": format!("/probe/app/{kind}"), "port": 15020, "scheme": "HTTP"});
    assert_eq!(app["startupProbe"], json!({"httpGet": ours("startup"), "periodSeconds": 1}));
    assert_eq!(
        app["livenessProbe"],
        json!({"httpGet": ours("liveness"), "timeoutSeconds": 5, "initialDelaySeconds": 9})
    );
    assert_eq!(app["readinessProbe"], json!({"httpGet": ours("readiness")}));
    assert_eq!(app["lifecycle"]["preStop"], json!({"httpGet": ours("pre-stop")}));
    assert_eq!(app["lifecycle"]["postStart"], pod["spec"]["containers"][0]["lifecycle"]["postStart"]);
    let expected = json!([
        {"container": "app", "kind": "startup", "check": {"grpc": {"port": 9000, "service": "shop"}}, "timeoutSeconds": 1},
        {"container": "app", "kind": "liveness", "timeoutSeconds": 5, "check": {"http":
            {"scheme": "HTTPS", "port": 8080, "path": "/ok", "headers": [{"name": "Host", "value": "shop"}]}}},
        {"container": "app", "kind": "readiness", "check": {"tcp": {"port": 8080}}, "timeoutSeconds": 1},
        {"container": "app", "kind": "pre-stop", "timeoutSeconds": 45, "check": {"http":
            {"scheme": "HTTP", "port": 8080, "path": "/bye", "headers": []}}},
    ]);
    assert_eq!(serde_json::from_str::<Value>(variable(&after, "BULKHEAD_PROBES").unwrap()).unwrap(), expected);
}

#[test]
fn what_the_sidecar_is_told_passes_the_kubelet_unchanged() {
    let probe = json!({"httpGet": {"path": "/$(HOME)/$$", "port": 80}});
    let after = patched(&pod(json!({"spec": {"containers": [{"name": "app", "livenessProbe": probe}]}})));
    let told = variable(&after, "BULKHEAD_PROBES").unwrap();
    assert!(!told.contains('$'), "{told}");
    let told: Value = serde_json::from_str(told).unwrap();
    assert_eq!(told[0]["check"]["http"]["path"], "/$(HOME)/$$");
}

#[test]
fn a_pod_that_has_its_sidecar_and_then_gets_another_meshs_is_refused() {
    let mut both = patched(&pod(json!({})));
    both["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "istio-proxy"}));
    let Outcome::Refused(refusal) = injected(&both) else { panic!("it has two sidecars") };
    assert_eq!(refusal.word(), "TooLate");
}

#[test]
fn a_limit_that_is_wished_lowers_the_request_that_is_not() {
    let annotations = json!({"bulkhead-mesh.dev/proxy-memory-limit": "16Mi"});
    let after = patched(&pod(json!({"metadata": {"annotations": annotations}})));
    let resources = &after["spec"]["initContainers"][1]["resources"];
    assert_eq!(*resources, json!({"requests": {"cpu": "100m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}));
}

#[test]
fn a_probe_of_somebody_else_stays_as_it_is() {
    let probe = json!({"httpGet": {"host": "192.0.2.1", "path": "/", "port": 80}});
    let pod = pod(json!({"spec": {"containers": [{"name": "app", "livenessProbe": probe}]}}));
    let after = patched(&pod);
    assert_eq!(after["spec"]["containers"], pod["spec"]["containers"]);
    assert_eq!(variable(&after, "BULKHEAD_PROBES"), None);
}

#[test]
fn a_probe_that_cannot_be_asked_is_refused() {
    for (probe, says) in [
        (json!({"tcpSocket": {"port": "web"}}), "asks at port `web`, which is neither a number from 1 to 65535 nor"),
        (json!({"httpGet": {"path": "/"}}), "asks at port `null`"),
        (json!({"httpGet": {"path": "/", "port": 15021}}), "port 15021, which is the sidecar's own"),
        (json!({"httpGet": {"path": "/probe/app/liveness", "port": 15020}}), "port 15020, which is the sidecar's own"),
    ] {
        let pod = pod(json!({"spec": {"containers": [{"name": "app", "livenessProbe": probe}]}}));
        let Outcome::Refused(refusal) = injected(&pod) else { panic!("{says}") };
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

#[test]
fn what_is_a_hook_is_called_one() {
    for (port, says) in [(json!("web"), "asks at port `web`, which is neither"), (json!(15021), "is the sidecar's own")]
    {
        let hook = json!({"preStop": {"httpGet": {"path": "/", "port": port}}});
        let pod = pod(json!({"spec": {"containers": [{"name": "app", "lifecycle": hook}]}}));
        let Outcome::Refused(refusal) = injected(&pod) else { panic!("{says}") };
        let sentence = refusal.to_string();
        assert!(sentence.starts_with("the pre-stop hook of container `app`") && sentence.contains(says), "{sentence}");
    }
}

#[test]
fn what_a_pod_wishes_reaches_its_two_containers() {
    let annotations = json!({
        "bulkhead-mesh.dev/exclude-inbound-ports": "9090",
        "bulkhead-mesh.dev/exclude-outbound-ports": "25",
        "bulkhead-mesh.dev/exclude-outbound-cidrs": "192.0.2.0/24",
        "bulkhead-mesh.dev/permissive-until": "2026-12-01T00:00:00Z",
        "bulkhead-mesh.dev/log-level": "debug",
        "bulkhead-mesh.dev/proxy-cpu-request": "50m",
        "bulkhead-mesh.dev/proxy-memory-limit": "128Mi",
    });
    let after = patched(&pod(json!({"metadata": {"annotations": annotations}})));
    for (name, value) in [
        ("BULKHEAD_EXCLUDE_INBOUND_PORT", "9090"),
        ("BULKHEAD_EXCLUDE_OUTBOUND_PORT", "25"),
        ("BULKHEAD_EXCLUDE_OUTBOUND", "192.0.2.0/24"),
        ("BULKHEAD_PERMISSIVE_UNTIL", "2026-12-01T00:00:00.000Z"),
        ("BULKHEAD_LOG", "debug"),
    ] {
        assert_eq!(variable(&after, name), Some(value));
    }
    let resources = &after["spec"]["initContainers"][1]["resources"];
    assert_eq!(*resources, json!({"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}));
    let status = after["metadata"]["annotations"]["bulkhead-mesh.dev/status"].as_str().unwrap();
    assert!(status.contains(r#""permissiveUntil":"2026-12-01T00:00:00.000Z""#), "{status}");
}

/// What a Service's name may make Kubernetes tell every pod of its namespace, for our program to stumble over.
#[test]
fn no_service_can_tell_the_two_containers_anything() {
    let plain = patched(&pod(json!({})));
    for (index, read) in [
        (0, vec!["OUTBOUND", "INBOUND", "TUNNEL", "PROBE", "EXCLUDE_INBOUND", "EXCLUDE_OUTBOUND"]),
        (1, vec!["OUTBOUND", "INBOUND", "TUNNEL", "EXCLUDE_INBOUND"]),
    ] {
        let set = plain["spec"]["initContainers"][index]["env"].as_array().unwrap();
        for service in read {
            let name = format!("BULKHEAD_{service}_PORT");
            assert!(set.iter().any(|variable| variable["name"] == *name), "{name} in {set:?}");
        }
    }
}

/// What a variable of the two containers says; the sidecar's counts more.
fn variable<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let of = |index: usize| pod["spec"]["initContainers"][index]["env"].as_array().unwrap();
    let found = of(1).iter().chain(of(0)).find(|variable| variable["name"] == name)?;
    found["value"].as_str()
}
