//! The Helm chart: what it refuses, what a real API server says of it, and what is left when it is gone.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use bulkhead_tests::kubernetes::{ApiServer, Helm};
use serde_json::{Value, json};

use crate::mesh::server;

#[test]
fn helm_lint_takes_what_can_be_meant_and_refuses_nonsense() {
    let helm = Helm::find().unwrap();
    let lint = |more: &[&str]| {
        let words = [&["lint", Helm::chart()], &RANGES[..], more].concat();
        helm.run(None, &words).unwrap()
    };
    for good in [
        &[][..],
        &["--set-json", r#"labels=[{"namespace":"shop","service-account":"*","label":"confidential:pci"}]"#],
        &["--set-json", r#"policy.rules=[{"name":"a","allow":{"from":"any","to":"any","ports":[1]}}]"#],
        &["--set", "nodes.admission=manual,nodes.clearance="],
        &["--set", "founding.existingRoot=our-root"],
        &["--set-string", "ca.settings.BULKHEAD_STRANGERS_PER_ADDRESS=64"],
        &["--set", "images.ca.digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
    ] {
        let said = lint(good);
        assert!(said.done, "{good:?}: {}{}", said.output, said.complaints);
    }
    for (nonsense, says) in [
        ("typing=error", "typing"),
        ("ca.replicas=3", "replicas"),
        ("nodes.admission=perhaps", "/nodes/admission"),
        ("nodes.clearance=", "/nodes/clearance"),
        ("meshCidrs={everything}", "/meshCidrs/0"),
        ("meshCidrs={10.0.0.0/33}", "/meshCidrs/0"),
        ("injector.replicas=0", "/injector/replicas"),
        ("images.pullPolicy=sometimes", "/images/pullPolicy"),
        ("images.ca.digest=sha256:1", "/images/ca/digest"),
        ("policy.default=friends", "/policy/default"),
        ("policy.mesh-cidrs={10.0.0.0/8}", "mesh-cidrs"),
        ("keep={everything}", "/keep/0"),
        ("sidecar.logLevel=loud", "/sidecar/logLevel"),
        ("labels[0].namespace=shop", "/labels/0"),
        ("founding.secret=abc", "secret"),
        ("ca.settings.strangers=x", "'strangers'"),
        ("ca.settings.BULKHEAD_LOG=x", "'BULKHEAD_LOG'"),
        ("agent.settings.BULKHEAD_NODE=x", "'BULKHEAD_NODE'"),
        ("founding.existingRoot=Our_Root", "/founding/existingRoot"),
        ("founding.existingRoot=bulkhead-unseal", "/founding/existingRoot"),
    ] {
        let said = lint(&["--set", nonsense]);
        assert!(!said.done, "{nonsense} was taken");
        let sentence = format!("{}{}", said.output, said.complaints);
        assert!(sentence.contains(says), "{nonsense}: {sentence}");
    }
    let said = helm.run(None, &["lint", Helm::chart()]).unwrap();
    assert!(!said.done && format!("{}{}", said.output, said.complaints).contains("meshCidrs"), "{said:?}");
}

#[test]
fn the_api_server_takes_every_object_and_none_claims_too_much() {
    let server = server();
    server.namespace("chart-dry", &json!({})).unwrap();
    let objects = objects(&server, "chart-dry", "server", &[]).unwrap();
    assert!(objects.len() > 30, "only {} objects", objects.len());
    for object in &objects {
        let what = format!("{} {}", object["kind"], object["metadata"]["name"]);
        for rule in object["rules"].as_array().into_iter().flatten() {
            modest(&what, rule);
        }
        for webhook in object["webhooks"].as_array().into_iter().flatten() {
            assert_eq!(webhook["clientConfig"]["caBundle"], Value::Null, "{what}: the injector alone says this");
        }
        if object["kind"] == "Secret" {
            assert_eq!((&object["data"], &object["stringData"]), (&Value::Null, &Value::Null), "{what}");
        }
    }
}

#[test]
fn a_parts_settings_are_its_own() {
    let server = server();
    server.namespace("chart-settings", &json!({})).unwrap();
    for part in ["ca", "injector", "controller", "agent"] {
        let setting = format!("{part}.settings.BULKHEAD_TRIED=64");
        let objects = objects(&server, "chart-settings", "server", &["--set-string", &setting]).unwrap();
        let told: Vec<_> = objects.iter().filter(|object| object.to_string().contains("BULKHEAD_TRIED")).collect();
        let [told] = &told[..] else { panic!("{part}: {told:?}") };
        assert_eq!(told["metadata"]["name"], format!("bulkhead-{part}"));
        let variables = &told["spec"]["template"]["spec"]["containers"][0]["env"];
        assert!(
            variables.as_array().unwrap().contains(&json!({"name": "BULKHEAD_TRIED", "value": "64"})),
            "{variables}"
        );
    }
}

#[test]
fn a_root_of_ones_own_is_shown_to_the_founding_job_alone() {
    let server = server();
    server.namespace("chart-root", &json!({})).unwrap();
    let render = |more: &[&str]| objects(&server, "chart-root", "server", more).unwrap();
    let naming = |objects: &[Value], word: &str| -> BTreeSet<String> {
        let named = objects.iter().filter(|object| object.to_string().contains(word));
        named.map(|object| object["kind"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let (new, own) = (render(&[]), render(&["--set", "founding.existingRoot=our-root"]));
    assert_eq!(naming(&new, "bulkhead-root"), ["Job", "Role", "Secret"].map(str::to_owned).into());
    assert_eq!(naming(&own, "bulkhead-root"), BTreeSet::new());
    assert_eq!(naming(&own, "our-root"), ["Job".to_owned()].into());

    let job = |objects: &[Value]| {
        let founds = |object: &&Value| object["kind"] == "Job" && object.to_string().contains("--if-new");
        objects.iter().find(founds).unwrap()["spec"]["template"]["spec"].clone()
    };
    let pod = job(&own);
    let (given, keys) = (mounted(&pod, "given"), mounted(&pod, "keys"));
    assert_eq!(given, [("keys", "/given", true)]);
    // The copies that nobody else in the pod can read.
    assert_eq!(keys, [("keys", "/etc/bulkhead", false), ("found", "/etc/bulkhead", true)]);
    let volumes = pod["volumes"].as_array().unwrap();
    let naming: Vec<_> = volumes.iter().filter(|volume| volume.to_string().contains("our-root")).collect();
    assert_eq!(naming.iter().map(|volume| &volume["name"]).collect::<Vec<_>>(), ["given"]);
    assert!(volumes.iter().any(|volume| volume["name"] == "keys" && volume["emptyDir"]["medium"] == "Memory"));
    for (pod, existing) in [(job(&new), false), (pod, true)] {
        let said = pod.to_string();
        assert_eq!(said.contains("--existing-root=/etc/bulkhead\""), existing, "{said}");
        assert_eq!(said.contains("--root-unseal-file=/etc/bulkhead/root-unseal\""), existing, "{said}");
        assert_eq!(said.contains("--root-dir=/handover/root\""), !existing, "{said}");
    }
}

/// Which containers of a pod see this volume, where, and whether for reading alone.
fn mounted<'a>(pod: &'a Value, volume: &str) -> Vec<(&'a str, &'a str, bool)> {
    let containers = ["initContainers", "containers"].map(|kind| pod[kind].as_array().into_iter().flatten());
    let mounts = containers.into_iter().flatten().flat_map(|container| {
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        mounts.map(move |mount| (container["name"].as_str().unwrap_or_default(), mount))
    });
    mounts
        .filter(|(_, mount)| mount["name"] == volume)
        .map(|(name, mount)| (name, mount["mountPath"].as_str().unwrap_or_default(), mount["readOnly"] == true))
        .collect()
}

/// No wildcard; no list, and no making, of Secrets; and of a Secret always by name.
fn modest(what: &str, rule: &Value) {
    assert!(!rule.to_string().contains('*'), "{what} has a wildcard: {rule}");
    let words = |field: &str| -> BTreeSet<&str> {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    if words("resources").contains("secrets") {
        assert!(!words("resourceNames").is_empty(), "{what}: any Secret: {rule}");
        assert!(words("verbs").is_subset(&["get", "update"].into()), "{what}: {rule}");
    }
}

/// With what an installed mesh has in its objects by then: keys, and the injector's authority.
#[test]
fn an_upgrade_keeps_what_others_wrote_and_uninstalling_leaves_only_what_keep_names() {
    // Of its own: what is made here for the whole cluster would be in the way of those who try the same names dry.
    let (server, helm) = (ApiServer::start().unwrap(), Helm::find().unwrap());
    let namespace = "chart-life";
    server.namespace(namespace, &json!({})).unwrap();
    let install = |verb: &str, more: &[&str]| {
        let words = [&[verb, "mesh", Helm::chart(), "--namespace", namespace], &RANGES[..], more].concat();
        helm.run(Some(&server), &words).unwrap().output().unwrap()
    };
    assert!(install("install", &[]).contains("bulkhead-mesh.dev/inject=enabled"));
    let patch = |words: &[&str], patch: &str| {
        let words = [&["patch", "-n", namespace, "-p", patch], words].concat();
        server.kubectl(&words).unwrap().output().unwrap()
    };
    patch(&["secret", "bulkhead-unseal"], r#"{"data": {"unseal": "YQ=="}}"#);
    patch(
        &["mutatingwebhookconfiguration", "bulkhead-injector"],
        r#"{"webhooks": [{"name": "pod.injector.bulkhead-mesh.dev", "clientConfig": {"caBundle": "YQ=="}}]}"#,
    );
    let labels = "- { namespace: pay, service-account: ledger, label: restricted }\n";
    patch(&["configmap", "bulkhead-labels"], &json!({"data": {"labels.yaml": labels}}).to_string());
    install("upgrade", &["--set", "injector.replicas=3"]);
    let get = |words: &[&str]| {
        let words = [&["get", "-n", namespace], words].concat();
        server.kubectl(&words).unwrap().output().unwrap()
    };
    assert_eq!(get(&["deployment", "bulkhead-injector", "-o", "jsonpath={.spec.replicas}"]), "3");
    assert_eq!(get(&["secret", "bulkhead-unseal", "-o", "jsonpath={.data.unseal}"]), "YQ==");
    assert_eq!(get(&["configmap", "bulkhead-labels", "-o", r"jsonpath={.data.labels\.yaml}"]), labels);
    let bundles = "jsonpath={.webhooks[*].clientConfig.caBundle}";
    assert_eq!(get(&["mutatingwebhookconfiguration", "bulkhead-injector", "-o", bundles]), "YQ==");

    helm.run(
        Some(&server), // There is no kubelet here that would run the Job which is asked before.
        &["uninstall", "mesh", "--namespace", namespace, "--no-hooks"],
    )
    .unwrap()
    .output()
    .unwrap();
    let kept: BTreeSet<_> =
        ["root", "owner", "responder", "unseal"].map(|name| format!("secret/bulkhead-{name}")).into();
    assert_eq!(left(&server, namespace, "secret").unwrap(), kept);
    let kept = ["configmap/bulkhead-labels", "configmap/bulkhead-trust"].map(str::to_owned).into();
    assert_eq!(left(&server, namespace, "configmap").unwrap(), kept);
    assert_eq!(left(&server, namespace, "pvc").unwrap(), ["persistentvolumeclaim/bulkhead-ca".to_owned()].into());
    let rest = "deployment,daemonset,job,service,serviceaccount,role,rolebinding,poddisruptionbudget,clusterrole,clusterrolebinding,mutatingwebhookconfiguration";
    assert_eq!(left(&server, namespace, rest).unwrap(), BTreeSet::new());
}

/// What there still is of the mesh's objects of these kinds.
fn left(server: &ApiServer, namespace: &str, kinds: &str) -> Result<BTreeSet<String>> {
    let said = server.kubectl(&["get", kinds, "-n", namespace, "-o", "name"])?.output()?;
    let ours = said.lines().filter(|name| name.contains("/bulkhead-"));
    Ok(ours.map(str::to_owned).collect())
}

/// The chart's objects with these words more: as the API server would store them (`server`), or as they are sent to it (`client`).
pub(crate) fn objects(server: &ApiServer, namespace: &str, seen_by: &str, more: &[&str]) -> Result<Vec<Value>> {
    let words =
        [&["template", "mesh", Helm::chart(), "--namespace", namespace, "--kube-version", "1.30.0"], &RANGES[..], more];
    let rendered = Helm::find()?.run(None, &words.concat())?.output()?;
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), rendered)?;
    let path = file.path().to_str().context("the path of a temporary file is text")?;
    let dry_run = format!("--dry-run={seen_by}");
    let said = server.kubectl(&["apply", &dry_run, "--validate=strict", "-o", "json", "-f", path])?.output()?;
    let list: Value = serde_json::from_str(&said)?;
    Ok(list["items"].as_array().context("a list")?.clone())
}

const RANGES: [&str; 2] = ["--set", "meshCidrs={10.244.0.0/16,10.96.0.0/16}"];
