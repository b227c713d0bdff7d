//! What a permissive workload lets pass, and that it is nothing else.

use super::*;

const UNTIL: Timestamp = Timestamp::from_secs(1_800_003_600);
const PERMISSIVE: Mode = Mode::Permissive { until: UNTIL };

fn with_denial() -> Policy {
    policy(json!({ "rules": [
        { "name": "not-5432", "deny": { "from": "unauthenticated", "to": "any", "ports": [5432] } },
        { "name": "scraper", "allow": { "from": "unauthenticated", "to": "any", "ports": [9090] } },
        { "name": "soon", "audit": true, "deny": { "from": "unauthenticated", "to": "any", "ports": [7000] } },
        { "name": "not-to-plain-smtp", "deny": { "from": "any", "to": "unauthenticated", "ports": [25] } },
        { "name": "not-9000", "deny": { "from": "any", "to": "any", "ports": [9000] } },
        { "name": "soon-too", "audit": true, "deny": { "from": "any", "to": "any", "ports": [7001] } },
        { "name": "not-to-pay", "deny": { "from": { "level": "internal" }, "to": { "identity": "ns/pay/sa/*" } } },
        { "name": "past", "expires": "2020-01-01T00:00:00Z", "deny": { "from": "any", "to": "unauthenticated" } },
    ]}))
}

#[test]
fn permissive_pardons_who_has_no_certificate_where_no_rule_speaks() {
    let policy = with_denial();
    let check = |client: &str, server: &str, port: u16, expected: &str| {
        let (client, server) = (Owned::read(client), Owned::read(server));
        let answer = policy.admit_in(PERMISSIVE, &flow(&client, &server, port), NOW);
        let said = answer.map_or_else(|refusal| refusal.to_string(), |permit| permit.ground().to_string());
        assert_eq!(said, expected, "{client:?} {server:?} {port}");
    };
    let (web, vault) = ("ns/shop/sa/web internal", "ns/pay/sa/vault restricted");
    check("unauthenticated", web, 80, "permissive");
    check(web, "unauthenticated", 80, "permissive");
    check("unauthenticated", web, 5432, "rule `not-5432` denies it");
    check(web, "unauthenticated", 25, "rule `not-to-plain-smtp` denies it");
    check("unauthenticated", web, 9090, "rule `scraper`");
    let nobody_may = "a party without a certificate may not reach `internal` (default same-label)";
    check("unauthenticated", web, 9000, nobody_may);
    check(web, "unauthenticated", 9000, "`internal` may not reach a party without a certificate (default same-label)");
    check("unauthenticated", "ns/pay/sa/till internal", 80, "permissive");
    check(web, "ns/shop/sa/db internal", 80, "default same-label");
    check(web, "ns/shop/sa/db public", 80, "`internal` may not reach `public` (default same-label)");
    let vault_refuses = "a party without a certificate may not reach `restricted` (default same-label)";
    check("unauthenticated", vault, 80, vault_refuses);
    check(
        vault,
        "unauthenticated",
        80,
        "`restricted` may not reach a party without a certificate (default same-label)",
    );
    check("unauthenticated", "ns/a/sa/b cosmic", 80, "this mesh has no level `cosmic` (label `cosmic`)");
    let nobody = "a party without a certificate may not reach a party without a certificate (default same-label)";
    check("unauthenticated", "unauthenticated", 80, nobody);
}

#[test]
fn an_audited_denial_is_told_of_a_pardoned_connection_too() {
    let (policy, web) = (with_denial(), Owned::read("ns/shop/sa/web internal"));
    for (port, rule) in [(7000, "soon"), (7001, "soon-too")] {
        let permit = policy.admit_in(PERMISSIVE, &flow(&Owned::Unauthenticated, &web, port), NOW).unwrap();
        assert_eq!((permit.ground(), permit.port()), (&PermitGround::Permissive, port));
        assert_eq!(permit.would_deny().unwrap().as_str(), rule);
    }
}

#[test]
fn what_a_mode_comes_to_depends_on_the_label_and_the_time() {
    let check = |mode: Mode, label: &str, now: Timestamp, expected: Standing| {
        assert_eq!(mode.standing(&label.parse().unwrap(), &Policy::default(), now), expected, "{mode} {label} {now}");
    };
    let last = Timestamp::from_millis(UNTIL.as_millis() - 1);
    check(Mode::Strict, "internal", NOW, Standing::Strict);
    check(PERMISSIVE, "internal", NOW, Standing::Permissive { until: UNTIL });
    check(PERMISSIVE, "confidential:pci", last, Standing::Permissive { until: UNTIL });
    check(PERMISSIVE, "internal", UNTIL, Standing::Ended { at: UNTIL });
    check(PERMISSIVE, "restricted", NOW, Standing::HighestLevel);
    check(PERMISSIVE, "restricted:pci", NOW, Standing::HighestLevel);
    check(PERMISSIVE, "cosmic", NOW, Standing::UnknownLevel);
    assert_eq!((PERMISSIVE.ends_after(NOW), PERMISSIVE.ends_after(UNTIL)), (Some(UNTIL), None));
    assert_eq!(Mode::Strict.ends_after(NOW), None);
}

/// Any mode, and whether it is permissive at [`NOW`].
fn any_mode() -> impl Strategy<Value = (Mode, bool)> {
    let at = |until| Mode::Permissive { until };
    select(vec![(Mode::Strict, false), (PERMISSIVE, true), (at(NOW), false), (at(Timestamp::EPOCH), false)])
}

/// Whether a rule denies it once each `any` on the side without a certificate is read as whoever is there.
fn denies_anybody(policy: &Policy, flow: &Flow<'_>) -> bool {
    let plain_calls = flow.client.label().is_none();
    let read = |clause: &Clause<Selector>| match (plain_calls, &clause.from, &clause.to) {
        (true, Selector::Any, to) if *to != Selector::Unauthenticated => {
            Some(Clause { from: Selector::Unauthenticated, ..clause.clone() })
        }
        (false, from, Selector::Any) if *from != Selector::Unauthenticated => {
            Some(Clause { to: Selector::Unauthenticated, ..clause.clone() })
        }
        _ => None,
    };
    let also = |rule: &Rule| Some(RuleDocument { deny: Some(read(rule.deny.as_ref()?)?), ..rule.clone() });
    let rules: Vec<Rule> = policy.document().rules.iter().filter_map(also).collect();
    Policy::try_from(numbered(MeshDefault::None, rules))
        .unwrap()
        .admit(flow, NOW)
        .is_err_and(|refusal| refusal.kind() == RefusalKind::Rule)
}

proptest! {
    #[test]
    fn permissive_changes_nothing_but_a_refusal_by_default_of_one_party_without_a_certificate(
        document in any_document(), (mode, in_force) in any_mode(), client in any_party(), server in any_party(),
        port in any_port(),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let flow = flow(&client, &server, port);
        let (strict, lenient) = (policy.admit(&flow, NOW), policy.admit_in(mode, &flow, NOW));
        let verdict = decide(&flow, &policy, NOW);
        let own = match (flow.client.label(), flow.server.label()) {
            (None, Some(own)) | (Some(own), None) => Some(own),
            _ => None,
        };
        let highest = own.is_some_and(|own| own.level == policy.levels().highest().name);
        let by_default = !verdict.allow && matches!(verdict.rule, Ground::Default { .. });
        if in_force && own.is_some() && !highest && by_default && !denies_anybody(&policy, &flow) {
            prop_assert_eq!(lenient.map(|permit| permit.ground().clone()), Ok(PermitGround::Permissive));
        } else {
            prop_assert_eq!(lenient, strict);
        }
    }

    #[test]
    fn permissive_never_allows_what_a_rule_denies(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let flow = flow(&client, &server, port);
        let by_rule = policy.admit(&flow, NOW).is_err_and(|refusal| refusal.kind() == RefusalKind::Rule);
        prop_assert!(!by_rule || policy.admit_in(PERMISSIVE, &flow, NOW).is_err());
    }

    #[test]
    fn who_has_no_certificate_never_passes_where_every_certificate_is_denied(
        document in any_document(), plain_calls in any::<bool>(), own in any_party(), port in any_port(),
    ) {
        let plain = Owned::Unauthenticated;
        let denial = rule(json!({ "name": "x", "deny": { "from": "any", "to": "any" } }));
        let policy = Policy::try_from(with(&document, denial)).unwrap();
        let flow = if plain_calls { flow(&plain, &own, port) } else { flow(&own, &plain, port) };
        prop_assert_eq!(policy.admit_in(PERMISSIVE, &flow, NOW), policy.admit(&flow, NOW));
    }

    #[test]
    fn from_its_date_on_permissive_is_strict(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(), later in 0..u64::MAX,
    ) {
        let policy = Policy::try_from(document).unwrap();
        let flow = flow(&client, &server, port);
        let now = UNTIL.plus(std::time::Duration::from_millis(later));
        prop_assert_eq!(policy.admit_in(PERMISSIVE, &flow, now), policy.admit(&flow, now));
    }

    #[test]
    fn two_parties_with_certificates_never_notice_a_mode(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let flow = flow(&client, &server, port);
        prop_assume!(flow.client.label().is_some() && flow.server.label().is_some());
        prop_assert_eq!(policy.admit_in(PERMISSIVE, &flow, NOW), policy.admit(&flow, NOW));
    }

    #[test]
    fn the_highest_level_is_strict_whatever_is_asked_for(
        document in any_document(), plain_calls in any::<bool>(), port in any_port(),
        label in select(vec!["restricted", "restricted:pci"]),
    ) {
        let policy = Policy::try_from(document).unwrap();
        let (plain, own) = (Owned::Unauthenticated, Owned::read(&format!("ns/shop/sa/web {label}")));
        let flow = if plain_calls { flow(&plain, &own, port) } else { flow(&own, &plain, port) };
        prop_assert_eq!(policy.admit_in(PERMISSIVE, &flow, NOW), policy.admit(&flow, NOW));
    }
}
