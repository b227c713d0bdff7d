//! What holds for every decision: tables for people, laws for machines.

mod hints;
mod mode;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::policy::{Clause, Document, RuleDocument, Selector};
use crate::{LevelName, WorkloadName};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A party that owns its name and label.
#[derive(Clone, Debug)]
enum Owned {
    Unauthenticated,
    Workload(WorkloadName, Label),
}

impl Owned {
    /// `unauthenticated`, or an account and a label with a space between.
    fn read(text: &str) -> Self {
        match text.split_once(' ') {
            Some((name, label)) => Self::Workload(name.parse().unwrap(), label.parse().unwrap()),
            None => Self::Unauthenticated,
        }
    }

    fn party(&self) -> Party<'_> {
        match self {
            Self::Unauthenticated => Party::Unauthenticated,
            Self::Workload(name, label) => Party::Workload { name, label },
        }
    }
}

fn policy(document: Value) -> Policy {
    Policy::try_from(serde_json::from_value::<Document>(document).unwrap()).unwrap()
}

fn flow<'a>(client: &'a Owned, server: &'a Owned, port: u16) -> Flow<'a> {
    Flow { client: client.party(), server: server.party(), port, direction: Direction::Inbound }
}

#[test]
fn labels_decide_who_may_talk() {
    let check = |client: &str, server: &str, default: MeshDefault, may_talk: bool| {
        let (client, server) = (format!("ns/shop/sa/web {client}"), format!("ns/shop/sa/db {server}"));
        let (client, server) = (Owned::read(&client), Owned::read(&server));
        let policy = policy(json!({ "default": default }));
        let verdict = decide(&flow(&client, &server, 80), &policy, NOW);
        assert_eq!(verdict.allow, may_talk, "{verdict}");
    };
    //     client              server              default                  may talk
    check("internal", "internal", MeshDefault::SameLabel, true);
    check("confidential:pci", "confidential:pci", MeshDefault::SameLabel, true);
    check("confidential:pci", "confidential", MeshDefault::SameLabel, false);
    check("confidential", "internal", MeshDefault::SameLabel, false);
    check("confidential:pci", "internal", MeshDefault::Dominates, true);
    check("internal", "internal", MeshDefault::Dominates, true);
    check("internal", "confidential:pci", MeshDefault::Dominates, false);
    check("restricted:eu", "confidential:pci", MeshDefault::Dominates, false);
    check("internal", "internal", MeshDefault::None, false);
    check("cosmic", "cosmic", MeshDefault::SameLabel, false);
    check("cosmic", "cosmic", MeshDefault::Dominates, false);
}

fn rules() -> Policy {
    policy(json!({
        "mesh-cidrs": ["10.77.0.0/16", "fd00:77::/64"],
        "rules": [
            { "name": "anyone-may-trace", "allow": { "from": "any", "to": { "identity": "ns/obs/sa/*" }, "ports": [4317] } },
            { "name": "no-pci-to-lab", "deny": { "from": { "label": "restricted:pci" }, "to": { "categories": ["lab"] } } },
            { "name": "plain-clients",
              "allow": { "from": "unauthenticated", "to": { "identity": "ns/shop/sa/web" }, "ports": [8080] } },
            { "name": "api-server", "allow": { "from": "any", "to": "unauthenticated", "ports": [6443] } },
            { "name": "soon", "audit": true, "deny": { "from": "any", "to": { "identity": "ns/shop/sa/old" } } },
            { "name": "past", "expires": "2020-01-01T00:00:00Z", "deny": { "from": "any", "to": "any" } },
            { "name": "upper", "allow": { "from": { "at-least": "confidential" }, "to": { "at-most": "internal" }, "ports": [99] } },
        ],
        "egress": [
            { "name": "repository", "allow": { "from": "any", "to": ["192.0.2.0/24", "2001:db8::/32"], "ports": [443] } },
            { "name": "all-in-vain", "allow": { "from": { "level": "public" }, "to": ["0.0.0.0/0", "::/0"] } },
            { "name": "no-metadata", "deny": { "from": "any", "to": ["169.254.0.0/16"] } },
        ],
    }))
}

#[test]
fn rules_decide_before_the_default_and_say_so() {
    let policy = rules();
    let check = |client: &str, server: &str, port: u16, allow: bool, sentence: &str| {
        let (client, server) = (Owned::read(client), Owned::read(server));
        let flow = flow(&client, &server, port);
        let verdict = decide(&flow, &policy, NOW);
        assert_eq!((verdict.allow, verdict.to_string().as_str()), (allow, sentence));
        assert_eq!(policy.admit(&flow, NOW).is_ok(), allow);
    };
    let (web, ledger) = ("ns/shop/sa/web internal", "ns/pay/sa/ledger restricted:pci");
    check(web, "ns/shop/sa/db internal", 80, true, "`internal` may reach `internal` (default same-label)");
    check(web, ledger, 80, false, "`internal` may not reach `restricted:pci` (default same-label)");
    check(ledger, "ns/obs/sa/otel internal", 4317, true, "rule `anyone-may-trace` allows it");
    check(ledger, "ns/obs/sa/otel internal:lab", 4317, false, "rule `no-pci-to-lab` denies it");
    check("unauthenticated", web, 8080, true, "rule `plain-clients` allows it");
    let plain = "a party without a certificate may not reach `internal` (default same-label)";
    check("unauthenticated", web, 8081, false, plain);
    check("unauthenticated", "ns/obs/sa/otel internal", 4317, false, plain);
    check(web, "unauthenticated", 6443, true, "rule `api-server` allows it");
    let old = "`internal` may reach `internal` (default same-label); audited rule `soon` would deny it";
    check(web, "ns/shop/sa/old internal", 80, true, old);
    check(
        ledger,
        "ns/shop/sa/old internal",
        80,
        false,
        "`restricted:pci` may not reach `internal` (default same-label)",
    );
    check(
        "ns/a/sa/b cosmic",
        "ns/obs/sa/otel internal",
        4317,
        false,
        "this mesh has no level `cosmic` (label `cosmic`)",
    );
    check(
        "unauthenticated",
        "unauthenticated",
        6443,
        false,
        "a party without a certificate may not reach a party without a certificate (default same-label)",
    );
    check(ledger, web, 99, true, "rule `upper` allows it");
    check(web, ledger, 99, false, "`internal` may not reach `restricted:pci` (default same-label)");
}

#[test]
fn egress_is_refused_unless_a_rule_allows_it_and_never_reaches_into_the_mesh() {
    let policy = rules();
    let check = |client: &str, destination: &str, allow: bool, sentence: &str| {
        let (client, destination) = (Owned::read(client), destination.parse().unwrap());
        let verdict = decide_egress(client.party(), destination, &policy, NOW);
        assert_eq!((verdict.allow, verdict.to_string().as_str()), (allow, sentence));
        assert_eq!(policy.admit_egress(client.party(), destination, NOW).is_ok(), allow);
    };
    let (web, public) = ("ns/shop/sa/web internal", "ns/shop/sa/cdn public");
    check(web, "192.0.2.9:443", true, "rule `repository` allows it");
    check(web, "[::ffff:192.0.2.9]:443", true, "rule `repository` allows it");
    check(web, "[2001:db8::1]:443", true, "rule `repository` allows it");
    let outside = "`internal` may not leave the mesh for 192.0.2.9:80 (no egress rule allows it)";
    check(web, "192.0.2.9:80", false, outside);
    check(public, "198.51.100.1:80", true, "rule `all-in-vain` allows it");
    check(public, "169.254.169.254:80", false, "rule `no-metadata` denies it");
    check(public, "[::ffff:169.254.169.254]:80", false, "rule `no-metadata` denies it");
    for inside in ["10.77.3.4:443", "[::ffff:10.77.3.4]:443", "[fd00:77::1]:443"] {
        check(public, inside, false, &format!("{inside} is inside the mesh, where egress rules do not reach"));
    }
    check("ns/a/sa/b cosmic", "192.0.2.9:443", false, "this mesh has no level `cosmic` (label `cosmic`)");
    let plain = "a party without a certificate may not leave the mesh for 192.0.2.9:443 (no egress rule allows it)";
    check("unauthenticated", "192.0.2.9:443", false, plain);
}

#[test]
fn a_permit_and_a_refusal_name_their_rule() {
    let policy = rules();
    let (web, old) = (Owned::read("ns/shop/sa/web internal"), Owned::read("ns/shop/sa/old internal"));
    let (ledger, lab) = (Owned::read("ns/pay/sa/ledger restricted:pci"), Owned::read("ns/a/sa/b internal:lab"));
    let audited = policy.admit(&flow(&web, &old, 80), NOW).unwrap();
    assert_eq!(audited.ground().to_string(), "default same-label");
    assert_eq!((audited.would_deny().unwrap().as_str(), audited.port()), ("soon", 80));
    let denied = policy.admit(&flow(&ledger, &lab, 80), NOW).unwrap_err();
    assert_eq!((denied.kind(), denied.rule().unwrap().as_str()), (RefusalKind::Rule, "no-pci-to-lab"));
    assert_eq!(denied.to_string(), "rule `no-pci-to-lab` denies it");
    let plain = policy.admit(&flow(&Owned::Unauthenticated, &web, 80), NOW).unwrap_err();
    assert!(plain.hint().unwrap().contains("from: unauthenticated"));
    let rule =
        r#"write the rule `allow: { from: { identity: "ns/shop/sa/web" }, to: unauthenticated, ports: [5432] }`"#;
    let to_plain = policy.admit(&flow(&web, &Owned::Unauthenticated, 5432), NOW).unwrap_err();
    assert_eq!(to_plain.hint().unwrap(), format!("give the server a sidecar, or {rule}"));
    let outside = policy.admit_egress(web.party(), "[2001:db8:1::9]:22".parse().unwrap(), NOW).unwrap_err();
    let rule = r#"`allow: { from: { identity: "ns/shop/sa/web" }, to: ["2001:db8:1::9/128"], ports: [22] }`"#;
    assert_eq!(outside.hint().unwrap(), format!("write the egress rule {rule}"));
}

#[test]
fn a_rule_counts_until_the_moment_it_expires() {
    let policy = policy(json!({ "default": "none", "rules": [
        { "name": "visit", "expires": "2027-01-01T00:00:00Z", "allow": { "from": "any", "to": "any" } },
    ]}));
    let (web, db) = (Owned::read("ns/shop/sa/web internal"), Owned::read("ns/shop/sa/db internal"));
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    for (now, allow) in [(Timestamp::from_millis(end.as_millis() - 1), true), (end, false)] {
        assert_eq!(decide(&flow(&web, &db, 80), &policy, now).allow, allow);
    }
}

fn any_party() -> impl Strategy<Value = Owned> {
    let name = select(vec!["ns/shop/sa/web", "ns/shop/sa/db", "ns/pay/sa/web"]);
    let label = select(vec!["internal", "internal:lab", "restricted", "restricted:pci", "cosmic"]);
    prop_oneof![
        1 => Just(Owned::Unauthenticated),
        6 => (name, label).prop_map(|(name, label)| Owned::read(&format!("{name} {label}"))),
    ]
}

fn any_workloads() -> impl Strategy<Value = Value> {
    select(vec![
        json!("any"),
        json!({ "identity": "ns/shop/sa/*" }),
        json!({ "identity": "ns/*/sa/web", "level": "internal" }),
        json!({ "label": "restricted:pci" }),
        json!({ "at-least": "internal:lab" }),
        json!({ "at-most": "restricted" }),
        json!({ "categories": ["lab"] }),
    ])
}

prop_compose! {
    /// The clause of a rule: sometimes one side is unauthenticated, never both.
    fn any_clause()(
        from in any_workloads(), to in any_workloads(), plain in 0..6,
        ports in select(vec![json!(null), json!([80]), json!([443, 80])]),
    ) -> Value {
        match plain {
            0 => json!({ "from": "unauthenticated", "to": to, "ports": ports }),
            1 => json!({ "from": from, "to": "unauthenticated", "ports": ports }),
            _ => json!({ "from": from, "to": to, "ports": ports }),
        }
    }
}

type Rule = RuleDocument<Selector>;

fn rule(value: Value) -> Rule {
    serde_json::from_value(value).unwrap()
}

fn any_allowance() -> impl Strategy<Value = Rule> {
    any_clause().prop_map(|clause| rule(json!({ "name": "x", "allow": clause })))
}

fn any_denial() -> impl Strategy<Value = Rule> {
    (any_clause(), any::<bool>())
        .prop_map(|(clause, audit)| rule(json!({ "name": "x", "deny": clause, "audit": audit })))
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let end = select(vec![None, Some("2020-01-01T00:00:00Z".to_owned()), Some("2099-01-01T00:00:00Z".to_owned())]);
    (prop_oneof![any_allowance(), any_denial()], end).prop_map(|(rule, expires)| RuleDocument { expires, ..rule })
}

fn any_document() -> impl Strategy<Value = Document> {
    let default = select(vec![MeshDefault::SameLabel, MeshDefault::Dominates, MeshDefault::None]);
    (default, prop::collection::vec(any_rule(), 0..6)).prop_map(|(default, rules)| numbered(default, rules))
}

/// Rules in this order, each with a name of its own.
fn numbered(default: MeshDefault, rules: Vec<Rule>) -> Document {
    let rules = rules.into_iter().enumerate();
    let rules = rules.map(|(number, rule)| RuleDocument { name: format!("r{number}"), ..rule }).collect();
    Document { default, rules, ..Document::default() }
}

fn with(document: &Document, rule: Rule) -> Document {
    let mut rules = document.rules.clone();
    rules.insert(rules.len() / 2, RuleDocument { name: "added".into(), ..rule });
    Document { rules, ..document.clone() }
}

fn allowed(document: &Document, client: &Owned, server: &Owned, port: u16) -> bool {
    decide(&flow(client, server, port), &Policy::try_from(document.clone()).unwrap(), NOW).allow
}

fn any_port() -> impl Strategy<Value = u16> {
    select(vec![80, 443, 5432])
}

proptest! {
    #[test]
    fn an_added_denial_never_allows_more(
        document in any_document(), more in any_denial(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let (before, after) =
            (allowed(&document, &client, &server, port), allowed(&with(&document, more), &client, &server, port));
        prop_assert!(before || !after);
    }

    #[test]
    fn an_added_allowance_never_denies_more(
        document in any_document(), more in any_allowance(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let (before, after) =
            (allowed(&document, &client, &server, port), allowed(&with(&document, more), &client, &server, port));
        prop_assert!(!before || after);
    }

    #[test]
    fn the_order_of_rules_never_matters_for_the_answer(
        (document, shuffled) in any_document()
            .prop_flat_map(|document| (Just(document.clone()), Just(document.rules).prop_shuffle())),
        client in any_party(), server in any_party(), port in any_port(),
    ) {
        let other = Document { rules: shuffled, ..document.clone() };
        prop_assert_eq!(allowed(&document, &client, &server, port), allowed(&other, &client, &server, port));
    }

    #[test]
    fn an_expired_rule_changes_nothing(
        document in any_document(), more in any_rule(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let expired = RuleDocument { expires: Some("2020-01-01T00:00:00Z".into()), ..more };
        let (old, new) = (Policy::try_from(document.clone()), Policy::try_from(with(&document, expired)));
        let (old, new, flow) = (old.unwrap(), new.unwrap(), flow(&client, &server, port));
        prop_assert_eq!(decide(&flow, &old, NOW), decide(&flow, &new, NOW));
    }

    #[test]
    fn who_has_no_certificate_never_passes_by_a_default(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let verdict = decide(&flow(&client, &server, port), &policy, NOW);
        if let (true, Ground::Default { client, server, .. }) = (verdict.allow, verdict.rule) {
            prop_assert!(client.label().is_some() && server.label().is_some());
        }
    }

    #[test]
    fn an_unknown_level_never_passes(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let cosmic: LevelName = "cosmic".parse().unwrap();
        let unknown = [client.party(), server.party()].iter().any(|p| p.label().is_some_and(|l| l.level == cosmic));
        prop_assert!(!unknown || !allowed(&document, &client, &server, port));
    }

    #[test]
    fn both_ends_and_a_permit_say_the_same(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let inbound = flow(&client, &server, port);
        let outbound = Flow { direction: Direction::Outbound, ..inbound };
        prop_assert_eq!(decide(&inbound, &policy, NOW), decide(&outbound, &policy, NOW));
        prop_assert_eq!(policy.admit(&inbound, NOW).is_ok(), decide(&inbound, &policy, NOW).allow);
    }

    #[test]
    fn a_policy_travels_as_its_document(document in any_document()) {
        let policy = Policy::try_from(document.clone()).unwrap();
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Policy>(&json).unwrap(), &policy);
        prop_assert_eq!(Document::from(policy), document);
    }
}
