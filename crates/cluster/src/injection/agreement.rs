//! Whether something of ours in a pod is still what it should be, whatever others may rightly have added to it.
//!
//! The API server fills in defaults and applies the namespace's ranges of resources; other webhooks add variables to
//! every container. When we are asked again about the same pod, none of that is a reason to
//! patch it anew. Everything else is: a pod's author may bring along a container of our name, and what stands in it
//! beside ours (a mount over the program, a capability, a variable that the sidecar reads) would go on unseen.

use serde_json::{Value, json};

use super::quantity::Quantity;

/// Whether this container is the wanted one, but for what others may add.
pub(super) fn container(found: &Value, wanted: &Value) -> bool {
    let mut found = found.clone();
    take(&mut found, "/terminationMessagePath", &json!("/dev/termination-log"));
    take(&mut found, "/terminationMessagePolicy", &json!("File"));
    if wanted.get("imagePullPolicy").is_none() {
        remove(&mut found, "imagePullPolicy");
    }
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        take(&mut found, &format!("/{probe}/successThreshold"), &json!(1));
    }
    without(&mut found, "env", is_no_business_of_ours);
    for variable in entries(&mut found, "env") {
        take(variable, "/value", &json!(""));
        take(variable, "/valueFrom/fieldRef/apiVersion", &json!("v1"));
    }
    settle_resources(&mut found, wanted);
    found == *wanted
}

/// Whether this volume is the wanted one, but for the API server's default.
pub(super) fn volume(found: &Value, wanted: &Value) -> bool {
    let mut found = found.clone();
    for source in ["projected", "configMap"] {
        take(&mut found, &format!("/{source}/defaultMode"), &json!(0o644));
    }
    found == *wanted
}

/// Takes a default away.
fn take(from: &mut Value, pointer: &str, default: &Value) {
    let Some((holder, field)) = pointer.rsplit_once('/') else { return };
    if let Some(holder) = from.pointer_mut(holder)
        && holder.get(field) == Some(default)
    {
        remove(holder, field);
    }
}

fn remove(from: &mut Value, field: &str) {
    if let Some(fields) = from.as_object_mut() {
        fields.remove(field);
    }
}

fn entries<'a>(container: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    container.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn without(container: &mut Value, list: &str, added: fn(&Value) -> bool) {
    if let Some(entries) = container.get_mut(list).and_then(Value::as_array_mut) {
        entries.retain(|entry| !added(entry));
    }
}

/// A variable that neither the sidecar nor what loads it reads.
fn is_no_business_of_ours(variable: &Value) -> bool {
    let name = variable.get("name").and_then(Value::as_str);
    name.is_some_and(|name| !READ.iter().any(|prefix| name.starts_with(prefix)))
}

/// Amounts that say the same in other words, and those that the namespace's ranges (LimitRange) added, become the wanted
/// ones.
fn settle_resources(found: &mut Value, wanted: &Value) {
    let Some(wanted) = wanted.get("resources") else { return };
    let agrees = ["requests", "limits"].into_iter().all(|kind| {
        let amounts = wanted.get(kind).and_then(Value::as_object).into_iter().flatten();
        amounts.into_iter().all(|(name, amount)| {
            let other = found.pointer(&format!("/resources/{kind}/{name}"));
            other.is_some_and(|other| amount_of(other).is_some() && amount_of(other) == amount_of(amount))
        })
    });
    if agrees {
        found["resources"] = wanted.clone();
    }
}

fn amount_of(amount: &Value) -> Option<Quantity> {
    amount.as_str()?.parse().ok()
}

/// Beginnings of the names of variables by which the sidecar, its runtime or its loader can be told something.
const READ: [&str; 7] = ["BULKHEAD_", "LD_", "RUST_", "GLIBC_", "MALLOC_", "TOKIO_", "SSL_"];

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Value {
        json!({
            "name": "p",
            "command": ["/p"],
            "env": [{"name": "BULKHEAD_A", "value": "1"}, {"name": "BULKHEAD_C_PORT"},
                {"name": "BULKHEAD_B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIPs"}}}],
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
            "livenessProbe": {"periodSeconds": 1},
            "securityContext": {"capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "state", "mountPath": "/state"}],
        })
    }

    #[test]
    fn what_others_rightly_add_is_no_difference() {
        let mut found = wanted();
        found["terminationMessagePath"] = json!("/dev/termination-log");
        found["terminationMessagePolicy"] = json!("File");
        found["imagePullPolicy"] = json!("IfNotPresent");
        found["livenessProbe"]["successThreshold"] = json!(1);
        found["env"][1]["value"] = json!("");
        found["env"][2]["valueFrom"]["fieldRef"]["apiVersion"] = json!("v1");
        found["env"].as_array_mut().unwrap().insert(0, json!({"name": "HTTP_PROXY", "value": "x"}));
        found["resources"] = json!({"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": "1"}});
        assert!(container(&found, &wanted()));
        let projected = json!({"name": "t", "projected": {"sources": []}});
        let mut defaulted = projected.clone();
        defaulted["projected"]["defaultMode"] = json!(420);
        assert!(volume(&defaulted, &projected));
    }

    #[test]
    fn whatever_else_stands_in_it_is_a_difference() {
        let set = |pointer: &str, value: Value| {
            let mut found = wanted();
            let (holder, field) = pointer.rsplit_once('/').unwrap();
            found.pointer_mut(holder).unwrap()[field] = value;
            found
        };
        let push = |list: &str, value: Value| {
            let mut found = wanted();
            found[list].as_array_mut().unwrap().push(value);
            found
        };
        for found in [
            set("/command", json!(["/p", "x"])),
            set("/args", json!(["x"])),
            set("/envFrom", json!([{"configMapRef": {"name": "x"}}])),
            set("/lifecycle", json!({"postStart": {"exec": {"command": ["sh"]}}})),
            set("/restartPolicy", json!("Always")),
            set("/securityContext/capabilities/add", json!(["NET_ADMIN"])),
            set("/securityContext/capabilities", json!({"drop": ["ALL"], "add": ["NET_ADMIN"]})),
            set("/resources/requests", json!({"cpu": "1m", "memory": "1Gi"})),
            set("/terminationMessagePath", json!("/elsewhere")),
            set("/livenessProbe/successThreshold", json!(7)),
            push("env", json!({"name": "BULKHEAD_PROXY_UID", "value": "1000"})),
            push("env", json!({"name": "BULKHEAD_A", "value": "1"})),
            push("env", json!({"name": "BULKHEAD_C_PORT", "value": "tcp://10.96.0.9:80"})),
            push("env", json!({"name": "LD_PRELOAD", "value": "x"})),
            push("volumeMounts", json!({"name": "x", "mountPath": "/p"})),
            push(
                "volumeMounts",
                json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}),
            ),
            json!({}),
            json!(null),
        ] {
            assert!(!container(&found, &wanted()), "{found}");
        }
        assert!(!volume(&json!({"name": "t", "emptyDir": {}}), &json!({"name": "t", "projected": {}})));
        let remapped = json!({"name": "t", "configMap": {"name": "c", "items": []}});
        assert!(!volume(&remapped, &json!({"name": "t", "configMap": {"name": "c"}})));
    }
}
