//! Policies that are read, and documents that are refused with their place and reason.

use serde_json::{Value, json};

use super::*;

/// As the YAML of the documentation says it.
fn everything() -> Value {
    json!({
        "levels": [
            { "name": "internal", "number": 7 },
            { "name": "confidential", "number": 8 },
            { "name": "restricted", "number": 9 },
        ],
        "default": "dominates",
        "default-label": "internal:lab",
        "mesh-cidrs": ["10.77.0.0/16", "fd00:77::/64"],
        "lifetimes": { "confidential": "30m" },
        "staleness": { "internal": { "strict": "90s" }, "restricted": "best-effort" },
        "rules": [{ "name": "trace", "allow": { "from": "any", "to": { "identity": "ns/obs/sa/*" }, "ports": [4317] } }],
        "egress": [{ "name": "dns", "deny": { "from": { "level": "internal" }, "to": ["192.0.2.0/24"] },
            "expires": "2027-01-01T00:00:00Z", "audit": true }],
    })
}

fn read_json(document: Value) -> Result<Policy, String> {
    let document: Document = serde_json::from_value(document).map_err(|error| error.to_string())?;
    Policy::try_from(document).map_err(|error| error.to_string())
}

#[test]
fn a_policy_with_everything_is_read_and_given_back() {
    let policy = read_json(everything()).unwrap();
    let level = |name: &str| name.parse::<LevelName>().unwrap();
    assert_eq!(policy.levels().highest().name, level("restricted"));
    assert_eq!(policy.default_label().to_string(), "internal:lab");
    let minutes = |name: &str| policy.lifetime_of(&level(name)).map(|lifetime| lifetime.as_secs() / 60);
    assert_eq!(
        ["internal", "confidential", "restricted", "cosmic"].map(minutes),
        [Some(720), Some(30), Some(60), None]
    );
    assert_eq!(policy.staleness_of(&level("internal")), Some(Staleness::Strict(Duration::from_secs(90))));
    assert_eq!(policy.staleness_of(&level("confidential")), Some(Staleness::BestEffort));
    assert_eq!(policy.staleness_of(&level("restricted")), Some(Staleness::BestEffort));
    let inside = |text: &str| policy.in_mesh(text.parse().unwrap());
    let addresses = ["10.77.255.255", "10.78.0.0", "::ffff:10.77.0.1", "fd00:77::1", "fd00:78::1"];
    assert_eq!(addresses.map(inside), [true, false, true, true, false]);
    assert_eq!(serde_json::to_value(policy).unwrap(), everything());
}

#[test]
fn an_empty_document_is_a_policy() {
    let policy = Policy::default();
    assert_eq!(policy.default_label().to_string(), "internal");
    let highest = policy.levels().highest().name.clone();
    assert_eq!(policy.staleness_of(&highest), Some(Staleness::Strict(Duration::from_mins(1))));
    assert_eq!(policy.lifetime_of(&highest), Some(Duration::from_hours(1)));
    assert_eq!(read_json(json!({})).unwrap(), policy);
}

fn refused(document: &Value, words: &str) {
    let sentence = read_json(document.clone()).map(|_| ()).unwrap_err();
    assert!(sentence.contains(words), "{document} is refused by: {sentence}");
}

#[test]
fn a_setting_that_means_nothing_is_refused_by_name() {
    let level = |name: &str| json!([{ "name": name, "number": 6 }]);
    for (document, words) in [
        (json!({ "levels": [] }), "`levels`: a mesh needs at least one level"),
        (json!({ "levels": level("low") }), "`default-label`: this mesh has no level `internal`"),
        (json!({ "defaults": "none" }), "unknown field `defaults`"),
        (json!({ "default": "all" }), "unknown variant `all`"),
        (json!({ "default-label": "cosmic" }), "`default-label`: this mesh has no level `cosmic`"),
        (json!({ "default-label": "Internal" }), "`default-label`: a level name has"),
        (json!({ "mesh-cidrs": ["10.77.0.0"] }), "`mesh-cidrs`: `10.77.0.0` is not an address range"),
        (json!({ "mesh-cidrs": ["10.77.0.1/16"] }), "write `10.77.0.0/16`"),
        (json!({ "mesh-cidrs": ["::ffff:10.77.0.0/112"] }), "IPv6 clothes"),
        (json!({ "mesh-cidrs": vec!["10.77.0.0/16"; 257] }), "257 are more than the 256"),
        (json!({ "lifetimes": { "cosmic": "1h" } }), "`lifetimes.cosmic`: this mesh has no level"),
        (json!({ "lifetimes": { "internal": "1" } }), "`lifetimes.internal`: `1` is not a length of time"),
        (json!({ "lifetimes": { "internal": "4s" } }), "4s is outside of 5s to 30d"),
        (json!({ "lifetimes": { "internal": "31d" } }), "31d is outside of 5s to 30d"),
        (json!({ "staleness": { "internal": { "strict": "1s" } } }), "`staleness.internal`: 1s is outside of 2s to 1d"),
        (json!({ "staleness": { "internal": "strict" } }), "invalid type"),
    ] {
        refused(&document, words);
    }
}

#[test]
fn a_rule_that_means_nothing_is_refused_by_name_and_field() {
    let clause = |from: Value, to: Value| json!({ "name": "x", "allow": { "from": from, "to": to } });
    let ports = |ports: Value| json!({ "name": "x", "deny": { "from": "any", "to": "any", "ports": ports } });
    let any = json!({ "from": "any", "to": "any" });
    for (rule, words) in [
        (json!({ "name": "X y", "allow": any }), "rule `X y`: `name`: a rule's name has"),
        (json!({ "name": "x" }), "rule `x`: `allow`: a rule has exactly one of"),
        (json!({ "name": "x", "allow": any, "deny": any }), "exactly one of"),
        (json!({ "name": "x", "allow": any, "audit": true }), "rule `x`: `audit`: only a denial"),
        (json!({ "name": "x", "deny": any, "expires": "tomorrow" }), "rule `x`: `expires`: `tomorrow` is not a moment"),
        (json!({ "name": "x", "deny": any, "expire": "" }), "unknown field `expire`"),
        (json!({ "name": "x", "allow": { "from": "any" } }), "missing field `to`"),
        (ports(json!([])), "rule `x`: `deny.ports`: an empty list"),
        (ports(json!([0])), "port 0 is no port"),
        (ports(json!([65536])), "65536"),
        (ports(json!(vec![1; 257])), "257 are more than the 256"),
        (clause(json!("all"), json!("any")), "expected `any`, `unauthenticated` or conditions"),
        (clause(json!({}), json!("any")), "rule `x`: `allow.from`: no condition"),
        (clause(json!({ "labels": "internal" }), json!("any")), "unknown field `labels`"),
        (clause(json!("any"), json!({ "identity": "ns/shop/sa/web*" })), "rule `x`: `allow.to.identity`: `ns/shop"),
        (clause(json!("any"), json!({ "label": "cosmic:pci" })), "`allow.to.label`: this mesh has no level"),
        (clause(json!("any"), json!({ "level": "cosmic" })), "`allow.to.level`: this mesh has no level"),
        (clause(json!("any"), json!({ "at-least": "cosmic" })), "`allow.to.at-least`: this mesh has no level"),
        (clause(json!("any"), json!({ "at-most": "cosmic" })), "`allow.to.at-most`: this mesh has no level"),
        (clause(json!("any"), json!({ "categories": [] })), "`allow.to.categories`: an empty list"),
        (clause(json!("any"), json!({ "categories": ["p ci"] })), "`allow.to.categories`: a category name has"),
        (clause(json!("unauthenticated"), json!("unauthenticated")), "two parties without certificates"),
    ] {
        refused(&json!({ "rules": [rule] }), words);
    }
}

#[test]
fn an_egress_rule_that_means_nothing_is_refused() {
    let clause = |from: &str, to: Value| json!({ "name": "x", "allow": { "from": from, "to": to } });
    for (rule, words) in [
        (clause("any", json!([])), "rule `x`: `allow.to`: an empty list"),
        (clause("any", json!(["everywhere"])), "rule `x`: `allow.to`: `everywhere` is not an address range"),
        (clause("any", json!("192.0.2.0/24")), "invalid type"),
        (clause("unauthenticated", json!(["0.0.0.0/0"])), "rule `x`: `allow.from`: a workload that leaves"),
    ] {
        refused(&json!({ "egress": [rule] }), words);
    }
}

#[test]
fn rule_names_are_unique_and_rules_not_too_many() {
    let rule = |name: &str, to: Value| json!({ "name": name, "deny": { "from": "any", "to": to } });
    let (inner, outer) = (rule("x", json!("any")), rule("x", json!(["0.0.0.0/0"])));
    refused(&json!({ "rules": [inner, inner] }), "rule `x`: `name`: another rule has the same name");
    refused(&json!({ "rules": [inner], "egress": [outer] }), "rule `x`: `name`: another rule has the same name");
    refused(&json!({ "rules": vec![inner; 10_001] }), "`rules`: 10001 are more than the 10000");
}
