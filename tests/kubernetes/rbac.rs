//! What each part of the chart may do with its account, and that it may nothing else.

use std::collections::BTreeSet;

use anyhow::Result;
use bulkhead_tests::kubernetes::ApiServer;

use crate::injector::{SYSTEM, Scene, Stage};
use crate::pods::account;

/// A part, what it may in every namespace, and what it may in the release's namespace beside that.
type Part = (&'static str, &'static [&'static str], &'static [&'static str]);

/// As the API server says it: resource, names, verbs; `*` stands in none of them.
const PARTS: [Part; 6] = [
    (
        "ca",
        &["tokenreviews.authentication.k8s.io [] [create]", "pods [] [get]", "nodes [] [get]"],
        &["configmaps [bulkhead-labels] [get watch]"],
    ),
    (
        "injector",
        &[
            "namespaces [] [get list watch]",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io [bulkhead-injector] [get patch]",
            "events [] [create patch]",
            "events.events.k8s.io [] [create patch]",
        ],
        &["secrets [bulkhead-injector-certificate] [get update]"],
    ),
    (
        "controller",
        &[
            "pods [] [list watch]",
            "services [] [list watch]",
            "namespaces [] [list watch]",
            "endpointslices.discovery.k8s.io [] [list watch]",
            "configmaps [bulkhead-trust] [get list watch create patch delete]",
            "events [] [create patch]",
            "events.events.k8s.io [] [create patch]",
        ],
        &[],
    ),
    ("agent", &[], &[]),
    (
        "founding",
        &[],
        &[
            "configmaps [bulkhead-trust] [get update]",
            "secrets [bulkhead-root] [get update]",
            "secrets [bulkhead-owner] [get update]",
            "secrets [bulkhead-responder] [get update]",
            "secrets [bulkhead-unseal] [get update]",
        ],
    ),
    ("farewell", &["pods [] [list]"], &[]),
];

#[test]
fn each_part_may_what_it_needs_and_nothing_else() {
    let stage = Stage::shared();
    let server = &stage.scene.server;
    account(server, "default", "anybody").unwrap();
    let anybody = rights(server, "default:anybody", "default").unwrap();
    for (part, everywhere, at_home) in PARTS {
        let account = format!("{SYSTEM}:bulkhead-{part}");
        let everywhere = &lines(everywhere) | &anybody;
        assert_eq!(rights(server, &account, "default").unwrap(), everywhere, "{part} in another namespace");
        let at_home = &lines(at_home) | &everywhere;
        assert_eq!(rights(server, &account, SYSTEM).unwrap(), at_home, "{part} in the release's namespace");
    }
    for right in &anybody {
        assert!(right.starts_with("self") || right.starts_with("[/"), "whoever has an account may {right}");
    }
}

/// What would hurt most, asked for one by one.
#[test]
fn nobody_may_reach_for_what_is_not_his() {
    let stage = Stage::shared();
    for (part, may, words) in [
        ("ca", true, "create tokenreviews.authentication.k8s.io"),
        ("ca", true, "get pods -n default"),
        ("ca", true, "get nodes"),
        ("ca", true, "get configmaps/bulkhead-labels -n bulkhead-system"),
        ("ca", false, "get configmaps/bulkhead-labels -n default"),
        ("ca", false, "update configmaps/bulkhead-labels -n bulkhead-system"),
        ("ca", false, "list pods -A"),
        ("ca", false, "patch nodes"),
        ("ca", false, "get secrets/bulkhead-root -n bulkhead-system"),
        ("ca", false, "create serviceaccounts/bulkhead-agent --subresource=token -n bulkhead-system"),
        ("injector", true, "update secrets/bulkhead-injector-certificate -n bulkhead-system"),
        ("injector", false, "get secrets/bulkhead-unseal -n bulkhead-system"),
        ("injector", false, "get secrets/bulkhead-injector-certificate -n default"),
        ("injector", false, "list secrets -n bulkhead-system"),
        ("injector", false, "patch mutatingwebhookconfigurations/another"),
        ("injector", false, "delete mutatingwebhookconfigurations/bulkhead-injector"),
        ("injector", false, "update namespaces"),
        ("injector", false, "get pods -n default"),
        ("controller", true, "patch configmaps/bulkhead-trust -n default"),
        ("controller", false, "patch configmaps/bulkhead-labels -n bulkhead-system"),
        ("controller", false, "list configmaps -A"),
        ("controller", false, "get secrets/bulkhead-injector-certificate -n bulkhead-system"),
        ("controller", false, "patch pods -n default"),
        ("agent", false, "get nodes"),
        ("agent", false, "get pods -n bulkhead-system"),
        ("agent", false, "get configmaps/bulkhead-trust -n bulkhead-system"),
        ("founding", true, "update secrets/bulkhead-root -n bulkhead-system"),
        ("founding", false, "get secrets/bulkhead-injector-certificate -n bulkhead-system"),
        ("founding", false, "create secrets -n bulkhead-system"),
        ("founding", false, "list secrets -n bulkhead-system"),
        ("ca", false, "impersonate users"),
        ("injector", false, "create clusterrolebindings"),
        ("controller", false, "create pods --subresource=exec -n default"),
        ("controller", false, "create pods -n default"),
        ("farewell", true, "list pods -A"),
        ("farewell", false, "delete pods -n default"),
    ] {
        assert_eq!(can(&stage.scene, part, words), may, "{part}: {words}");
    }
}

/// Whether this part may do this.
fn can(scene: &Scene, part: &str, words: &str) -> bool {
    let account = acting(&format!("{SYSTEM}:bulkhead-{part}"));
    let words: Vec<_> = ["auth", "can-i", account.as_str()].into_iter().chain(words.split(' ')).collect();
    let said = scene.kubectl(&words);
    match said.output.trim() {
        "yes" => true,
        "no" => false,
        _ => panic!("{words:?}: {said:?}"),
    }
}

/// Everything that this account may do in this namespace. What is for no resource has its path in place of one.
fn rights(server: &ApiServer, account: &str, namespace: &str) -> Result<BTreeSet<String>> {
    let said =
        server.kubectl(&["auth", "can-i", "--list", "--no-headers", "-n", namespace, &acting(account)])?.output()?;
    // Four columns: resource, path, names, verbs; of the first two one is empty.
    let right = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ").replacen(" [] [", " [", 1);
    Ok(said.lines().filter(|line| !line.trim().is_empty()).map(right).collect())
}

fn acting(account: &str) -> String {
    format!("--as=system:serviceaccount:{account}")
}

fn lines(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
