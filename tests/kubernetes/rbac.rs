//! What each part of the chart may do with its own account, and what it may not.

use bulkhead_tests::kubernetes::ApiServer;

use crate::injector::{SYSTEM, Stage};

/// A verb, what it is done to (with a name where one is meant), and the namespace.
type Deed = (&'static str, &'static str, &'static str);

#[test]
fn each_part_may_what_it_needs_and_nothing_else() {
    let stage = Stage::shared();
    for (part, needs) in NEEDS {
        for deed in *needs {
            assert!(may(&stage.scene.server, part, *deed), "{part} needs {deed:?}");
        }
        for deed in NOBODY {
            assert!(!may(&stage.scene.server, part, *deed), "{part} may {deed:?}");
        }
        let others = NEEDS.iter().filter(|(other, _)| other != part).flat_map(|(_, deeds)| *deeds);
        for deed in others.filter(|deed| !needs.contains(deed) && !covered(needs, deed)) {
            assert!(!may(&stage.scene.server, part, *deed), "{part} may {deed:?}, which is another's");
        }
    }
}

/// Whether a right of its own says as much: one for all of a kind is one for each.
fn covered(needs: &[Deed], (verb, what, _): &Deed) -> bool {
    let kind = what.split('/').next().unwrap_or_default();
    needs.iter().any(|(other, all, _)| other == verb && *all == kind)
}

fn may(server: &ApiServer, part: &str, (verb, what, namespace): Deed) -> bool {
    let account = format!("--as=system:serviceaccount:{SYSTEM}:bulkhead-{part}");
    let said = server.kubectl(&["auth", "can-i", verb, what, "-n", namespace, &account]).unwrap();
    match said.output.trim() {
        "yes" => true,
        "no" => false,
        _ => panic!("{said:?}"),
    }
}

const SHOP: &str = "default";

const NEEDS: &[(&str, &[Deed])] = &[
    (
        "ca",
        &[
            ("create", "tokenreviews.authentication.k8s.io", SHOP),
            ("get", "pods", SHOP),
            ("get", "nodes", SHOP),
            ("get", "configmaps/bulkhead-labels", SYSTEM),
        ],
    ),
    (
        "injector",
        &[
            ("get", "namespaces", SHOP),
            ("list", "namespaces", SHOP),
            ("watch", "namespaces", SHOP),
            ("get", "secrets/bulkhead-injector-certificate", SYSTEM),
            ("update", "secrets/bulkhead-injector-certificate", SYSTEM),
            ("get", "mutatingwebhookconfigurations/bulkhead-injector", SHOP),
            ("patch", "mutatingwebhookconfigurations/bulkhead-injector", SHOP),
            ("create", "events.events.k8s.io", SHOP),
        ],
    ),
    (
        "controller",
        &[
            ("list", "pods", SHOP),
            ("watch", "pods", SHOP),
            ("list", "services", SHOP),
            ("watch", "endpointslices.discovery.k8s.io", SHOP),
            ("list", "namespaces", SHOP),
            ("watch", "namespaces", SHOP),
            ("patch", "configmaps/bulkhead-trust", SHOP),
            ("create", "events.events.k8s.io", SHOP),
        ],
    ),
    ("agent", &[]),
];

/// What none of them may.
const NOBODY: &[Deed] = &[
    ("list", "secrets", SYSTEM),
    ("list", "secrets", SHOP),
    ("get", "secrets/bulkhead-root", SYSTEM),
    ("get", "secrets/bulkhead-owner", SYSTEM),
    ("get", "secrets/bulkhead-responder", SYSTEM),
    ("get", "secrets/bulkhead-unseal", SYSTEM),
    ("create", "secrets", SYSTEM),
    ("create", "pods", SHOP),
    ("delete", "pods", SHOP),
    ("create", "pods/exec", SHOP),
    ("create", "serviceaccounts/token", SYSTEM),
    ("update", "configmaps/bulkhead-labels", SYSTEM),
    ("patch", "configmaps/bulkhead-labels", SYSTEM),
    ("patch", "nodes", SHOP),
    ("create", "clusterrolebindings", SHOP),
    ("impersonate", "users", SHOP),
    ("delete", "mutatingwebhookconfigurations", SHOP),
];
