//! When a certificate is believed.

use super::*;

#[test]
fn a_certificate_is_believed_in_its_own_time_only() {
    let mesh = Mesh::new();
    let (not_before, not_after) = (NOW.minus(BACKDATED), NOW.plus(12 * HOUR));
    let at = |now| refusal(&trust_at(&mesh, mesh.truth(), now), &mesh.web(), &mesh.web(), &Demand::workload());
    let late = not_after.plus(Duration::from_millis(1));
    assert_eq!(at(late), PeerError::Expired { not_after, grace: Duration::ZERO, now: late });
    let early = not_before.minus(Duration::from_millis(1));
    assert_eq!(at(early), PeerError::NotYetValid { not_before, now: early });
    for now in [not_before, not_after] {
        accepted(&trust_at(&mesh, mesh.truth(), now), &mesh.web(), &mesh.web(), &Demand::workload());
    }
}

#[test]
fn only_a_node_may_be_late_and_only_where_it_may_renew() {
    let mesh = Mesh::new();
    let now = NOW.plus(13 * HOUR);
    let trust = trust_at(&mesh, mesh.truth(), now);
    let renew = Demand::any_of(&PurposeKind::ALL).with_grace_for_expired_nodes(2 * HOUR);
    assert!(accepted(&trust, &mesh.web(), &mesh.node(), &renew).is_late());
    let not_after = NOW.plus(12 * HOUR);
    let refused = |shown: &Shown, demand: &Demand| refusal(&trust, &mesh.web(), shown, demand);
    let expired = PeerError::Expired { not_after, grace: Duration::ZERO, now };
    assert_eq!(refused(&mesh.web(), &renew), expired);
    assert_eq!(refused(&mesh.node(), &Demand::any_of(&[PurposeKind::Node])), expired);
    let short = Demand::any_of(&[PurposeKind::Node]).with_grace_for_expired_nodes(HOUR / 2);
    assert_eq!(refused(&mesh.node(), &short), PeerError::Expired { not_after, grace: HOUR / 2, now });
}

#[test]
fn an_issuer_has_no_grace() {
    let mesh = Mesh::new();
    let mut params = authority("short", Some(0));
    let (not_before, not_after) = (NOW.minus(HOUR), NOW.plus(13 * HOUR));
    support::set_validity(&mut params, not_before, not_after);
    params.custom_extensions.push(extension(oid::ISSUER_SCOPE, IssuerScope::ISSUING.encode().unwrap()));
    let short = mesh.root.authority(params);
    let truth = Truth { issuers: [short.digest()].into_iter().collect(), ..mesh.truth() };
    let now = NOW.plus(14 * HOUR);
    let shown = short.sign(&Leaf::node("n1", 1));
    let renew = Demand::any_of(&[PurposeKind::Node]).with_grace_for_expired_nodes(24 * HOUR);
    let found = refusal(&trust_at(&mesh, truth, now), &mesh.web(), &shown, &renew);
    assert_eq!(found, PeerError::IssuerNotValid { issuer: short.digest(), not_before, not_after, now });
}
