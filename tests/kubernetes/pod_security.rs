//! What Kubernetes' own Pod Security says of a pod before and after injection.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use bulkhead_tests::kubernetes::ApiServer;
use serde_json::{Value, json};

use crate::mesh::{patched, pod, server};

/// Before, nothing; afterwards exactly that the init container is root and has NET_ADMIN.
#[test]
fn injection_adds_nothing_that_is_restricted_but_the_init_containers_root_and_net_admin() {
    let server = server();
    server.namespace("restricted", &json!({"pod-security.kubernetes.io/warn": "restricted"})).unwrap();
    let before = pod("restricted", &restricted());
    assert_eq!(complaints(&server, &before).unwrap(), BTreeSet::new());
    let expected = [
        r#"unrestricted capabilities (container "bulkhead-capture" must not include "NET_ADMIN" in securityContext.capabilities.add)"#,
        r#"runAsNonRoot != true (container "bulkhead-capture" must not set securityContext.runAsNonRoot=false)"#,
        r#"runAsUser=0 (container "bulkhead-capture" must not set runAsUser=0)"#,
    ];
    assert_eq!(complaints(&server, &patched(&before).unwrap()).unwrap(), BTreeSet::from(expected.map(str::to_owned)));
}

/// What the API server warns of, one violation each.
fn complaints(server: &ApiServer, pod: &Value) -> Result<BTreeSet<String>> {
    let said = server.create(pod, true)?;
    let complaints = said.complaints.trim().to_owned();
    said.output()?;
    if complaints.is_empty() {
        return Ok(BTreeSet::new());
    }
    let violations = complaints.split_once(r#"would violate PodSecurity "restricted:latest": "#);
    let (_, violations) = violations.with_context(|| format!("another complaint: {complaints}"))?;
    // A violation ends with its parenthesis.
    Ok(violations.split_inclusive(')').map(|one| one.trim_start_matches(", ").to_owned()).collect())
}

fn restricted() -> Value {
    json!({
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "app",
            "image": "app:1",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}
