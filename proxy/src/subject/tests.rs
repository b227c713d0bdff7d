//! The judge, by tables.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::{self as identity, VerifiedPeer};
use bulkhead_mesh::{Mode, RefusalKind, Timestamp};

use super::{Cut, Kind, Subject, judge};
use crate::identity_source::Own;
use crate::testing::ca::node_cutoff;
use crate::testing::certificates::{LIFETIME, Mesh, NOW};
use crate::testing::{knowledge, own, peer, policy, svid};
use crate::truth::Knowledge;

const RULES: &str = r#"{
    "mesh-cidrs": ["10.77.0.0/16"],
    "staleness": {"internal": "best-effort", "restricted": {"strict": "60s"}},
    "rules": [
        {"name": "plain-dns", "allow": {"from": "any", "to": "unauthenticated", "ports": [53]}},
        {"name": "no-9000", "deny": {"from": "any", "to": "any", "ports": [9000]}}
    ],
    "egress": [{"name": "repository", "allow": {"from": "any", "to": ["192.0.2.0/24"], "ports": [443]}}]
}"#;

struct Case {
    mesh: Mesh,
    own: Arc<Own>,
    knowledge: Knowledge,
    mode: Mode,
}

impl Case {
    fn new(label: &str) -> Self {
        let mesh = Mesh::new();
        let own = own(&svid(&mesh, &mesh.workload("web", "n1", label), 1));
        let knowledge = knowledge(&mesh, &policy(RULES));
        Self { mesh, own, knowledge, mode: Mode::Strict }
    }

    fn peer(&self, node: &str, label: &str) -> Arc<VerifiedPeer> {
        peer(&self.mesh, &self.mesh.workload("db", node, label))
    }

    fn judge(&self, peer: Option<&Arc<VerifiedPeer>>, kind: Kind) -> Option<Cut> {
        self.judge_at(peer, kind, Duration::ZERO, NOW)
    }

    fn judge_at(&self, peer: Option<&Arc<VerifiedPeer>>, kind: Kind, stale: Duration, now: Timestamp) -> Option<Cut> {
        judge(&Subject { peer: peer.cloned(), kind }, &self.own, &self.knowledge, self.mode, stale, now)
    }

    fn verify(&mut self, change: impl FnOnce(&mut identity::Truth)) {
        let mut truth = self.knowledge.verify.as_ref().clone();
        change(&mut truth);
        self.knowledge.verify = Arc::new(truth);
    }
}

fn to(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// One of each kind that the rules allow to a peer of the same label.
fn allowed() -> [Kind; 4] {
    let outside = Kind::Egress { to: to("192.0.2.1:443") };
    [Kind::Tunnel, Kind::Inbound { port: 5432 }, Kind::Outbound { port: 5432 }, outside]
}

fn word(cut: Option<&Cut>) -> &'static str {
    cut.map_or("passes", Cut::as_str)
}

#[test]
fn the_policy_decides_about_each_kind_of_connection() {
    let case = Case::new("internal");
    let (equal, other) = (case.peer("n2", "internal"), case.peer("n2", "confidential"));
    let check = |peer, kind, expected| assert_eq!(word(case.judge(peer, kind).as_ref()), expected, "{kind:?}");
    for kind in allowed() {
        check(Some(&equal), kind, "passes");
    }
    check(Some(&other), Kind::Tunnel, "passes");
    check(Some(&other), Kind::Inbound { port: 5432 }, "denied");
    check(Some(&other), Kind::Outbound { port: 5432 }, "denied");
    check(Some(&equal), Kind::Inbound { port: 9000 }, "denied");
    check(Some(&equal), Kind::Outbound { port: 9000 }, "denied");
    check(None, Kind::Inbound { port: 5432 }, "denied");
    check(None, Kind::Plain { to: to("10.77.0.5:53") }, "passes");
    check(None, Kind::Plain { to: to("10.77.0.5:80") }, "denied");
    check(None, Kind::Egress { to: to("192.0.2.1:443") }, "passes");
    check(None, Kind::Egress { to: to("192.0.2.1:80") }, "denied");
    check(None, Kind::Egress { to: to("10.77.0.5:443") }, "denied");
}

#[test]
fn a_permissive_workload_is_so_to_parties_without_a_certificate_until_its_date() {
    let until = NOW.plus(Duration::from_hours(1));
    let mut case = Case::new("internal");
    case.mode = Mode::Permissive { until };
    let other = case.peer("n2", "confidential");
    let check = |case: &Case, peer, kind, now, expected| {
        let cut = case.judge_at(peer, kind, Duration::ZERO, now);
        assert_eq!(word(cut.as_ref()), expected, "{kind:?} at {now}");
    };
    let (inbound, plain) = (Kind::Inbound { port: 5432 }, Kind::Plain { to: to("10.77.0.5:80") });
    for kind in [inbound, plain] {
        check(&case, None, kind, Timestamp::from_millis(until.as_millis() - 1), "passes");
        check(&case, None, kind, until, "denied");
    }
    for kind in [inbound, Kind::Outbound { port: 5432 }] {
        check(&case, Some(&other), kind, NOW, "denied");
    }
    check(&case, None, Kind::Inbound { port: 9000 }, NOW, "denied");
    for address in ["192.0.2.1:80", "10.77.0.5:443"] {
        check(&case, None, Kind::Egress { to: to(address) }, NOW, "denied");
    }
    let highest = Case { mode: case.mode, ..Case::new("restricted") };
    for kind in [inbound, plain] {
        check(&highest, None, kind, NOW, "denied");
    }
}

#[test]
fn a_peer_that_is_cut_off_loses_everything() {
    let mut case = Case::new("internal");
    let (cut_off, other) = (case.peer("n2", "internal"), case.peer("n3", "internal"));
    case.verify(|truth| {
        truth.cutoffs.insert(node_cutoff("n2"));
    });
    for kind in allowed() {
        assert_eq!(case.judge(Some(&cut_off), kind), Some(Cut::CutOff(Arc::new(node_cutoff("n2")))), "{kind:?}");
        assert_eq!(case.judge(Some(&other), kind), None, "{kind:?}");
    }
}

#[test]
fn a_cutoff_is_named_even_where_the_policy_would_deny_too() {
    let mut case = Case::new("internal");
    let peer = case.peer("n2", "confidential");
    case.verify(|truth| {
        truth.cutoffs.insert(node_cutoff("n2"));
    });
    assert_eq!(word(case.judge(Some(&peer), Kind::Inbound { port: 1 }).as_ref()), "revoked");
}

#[test]
fn a_peer_below_a_retired_issuer_loses_everything() {
    let mut case = Case::new("internal");
    let peer = case.peer("n2", "internal");
    let control = case.mesh.control.digest();
    case.verify(|truth| truth.issuers = [control].into_iter().collect());
    for kind in allowed() {
        assert_eq!(case.judge(Some(&peer), kind), Some(Cut::IssuerRetired), "{kind:?}");
    }
}

#[test]
fn nothing_outlives_a_certificate() {
    let mut case = Case::new("internal");
    let end = NOW.plus(LIFETIME);
    let peer = case.peer("n2", "internal");
    for kind in allowed() {
        assert_eq!(case.judge_at(Some(&peer), kind, Duration::ZERO, end), None, "{kind:?} at the last moment");
        let after = end.plus(Duration::from_millis(1));
        assert_eq!(case.judge_at(Some(&peer), kind, Duration::ZERO, after), Some(Cut::Expired), "{kind:?}");
    }
    let soon = NOW.plus(Duration::from_secs(9));
    let shown = case.mesh.workload_until("web", "n1", "internal", soon);
    case.own = own(&svid(&case.mesh, &shown, 2));
    let after = soon.plus(Duration::from_secs(1));
    let kind = Kind::Egress { to: to("192.0.2.1:443") };
    assert_eq!(case.judge_at(None, kind, Duration::ZERO, after), Some(Cut::Expired), "the own one");
}

#[test]
fn a_silent_ca_stops_the_levels_that_are_strict_and_no_others() {
    for (label, seconds, expected) in [
        ("internal", 61, "passes"),
        ("internal", 1 << 40, "passes"),
        ("restricted", 60, "passes"),
        ("restricted", 61, "stale"),
    ] {
        let case = Case::new(label);
        let peer = case.peer("n2", label);
        for kind in allowed() {
            let cut = case.judge_at(Some(&peer), kind, Duration::from_secs(seconds), NOW);
            assert_eq!(word(cut.as_ref()), expected, "{label} {seconds} {kind:?}");
        }
    }
}

#[test]
fn without_a_policy_nothing_passes() {
    let mut case = Case::new("internal");
    case.knowledge.policy = None;
    let peer = case.peer("n2", "internal");
    for kind in allowed() {
        assert_eq!(case.judge(Some(&peer), kind), Some(Cut::NoPolicy), "{kind:?}");
    }
}

#[test]
fn an_own_level_that_the_policy_no_longer_names_lets_nothing_pass() {
    let mut case = Case::new("internal");
    let peer = case.peer("n2", "internal");
    let levels = r#"{"levels": [{"name": "public", "number": 6}], "default-label": "public"}"#;
    case.knowledge.policy = Some(policy(levels));
    match case.judge(Some(&peer), Kind::Inbound { port: 1 }) {
        Some(Cut::Denied(refusal)) => assert_eq!(refusal.kind(), RefusalKind::UnknownLevel),
        other => panic!("{other:?}"),
    }
}
