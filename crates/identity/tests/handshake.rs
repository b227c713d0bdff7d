//! Real handshakes: what a peer must show, and for what it is refused, on both sides of a connection.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::time::Duration;

use bulkhead_identity::peer::{AcceptedIssuers, IssuerError};
use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::tls::{Acceptor, Connector, SlotError};
use bulkhead_identity::{
    CertificateError, Demand, IssuerScope, LeafError, PeerError, PurposeKind, TrustBundle, Truth, clearance, oid,
};
use bulkhead_mesh::{ControlRole, Cutoff, CutoffSet, Entry, Mismatch, NodeEpoch, Purpose, Serial, Subject, Timestamp};
use der::asn1::ObjectIdentifier;
use rcgen::{CertificateParams, IsCa};
use rustls::{Error, HandshakeKind, NamedGroup};
use support::wire::{Met, accepted, raw_client, raw_server, refusal, refused_as_client, trust, trust_at};
use support::{DOMAIN, Held, Leaf, Mesh, NOW, Shown, authority, critical, extension, instance, life, uri};

/// Why a workload face of `mesh` refuses this.
fn refused(mesh: &Mesh, shown: &Shown) -> PeerError {
    refusal(&trust(mesh), &mesh.web(), shown, &Demand::workload())
}

/// Why it refuses a leaf of the issuing intermediate that differs from a good one in this.
fn refused_but(change: impl FnOnce(&mut CertificateParams)) -> PeerError {
    let mesh = Mesh::new();
    refused(&mesh, &mesh.issuing.sign(&Leaf::web().but(change)))
}

fn entry(name: &str, node: NodeEpoch, of: u8) -> Entry {
    Entry::Workload { id: format!("spiffe://{DOMAIN}/{name}").parse().unwrap(), node, instance: instance(of) }
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn a_good_peer_is_known_in_every_field_on_both_sides() {
    let mesh = Mesh::new();
    let acceptor = Acceptor::new(&mesh.web().own(), trust(&mesh), Demand::workload(), &[b"h2"]).unwrap();
    let db = mesh.issuing.sign(&Leaf::workload("ns/shop/sa/db", "n3", 1, 9, "restricted:eu,pci"));
    let connector = Connector::new(Some(&db.own()), trust(&mesh), &[b"h2"]).unwrap();
    let (client, of_server) = connector.begin(Demand::entry(entry("ns/shop/sa/web", life("n1", 2), 7)));
    let (server, of_client) = acceptor.begin();
    let met = Met::between(client, server);
    assert_eq!(met.error, None);
    assert_eq!(met.group(), NamedGroup::X25519MLKEM768);
    assert_eq!(met.server.alpn_protocol(), Some(&b"h2"[..]));

    let peer = of_client.take(&met.server).unwrap();
    assert_eq!(peer.id().to_string(), "spiffe://prod.example/ns/shop/sa/db");
    assert_eq!(*peer.purpose(), Purpose::Workload("ns/shop/sa/db".parse().unwrap()));
    assert_eq!(peer.label(), Some(&"restricted:eu,pci".parse().unwrap()));
    assert_eq!((peer.node_epoch(), peer.instance()), (Some(&life("n3", 1)), Some(&instance(9))));
    assert_eq!(peer.serial(), Serial::from_random([0xa5; 16]));
    assert_eq!(peer.issuer(), mesh.issuing.digest());
    assert_eq!((peer.issued_at(), peer.not_after(), peer.is_late()), (NOW, NOW.plus(12 * HOUR), false));
    assert_eq!(of_server.take(&met.client).unwrap().id().to_string(), "spiffe://prod.example/ns/shop/sa/web");
}

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

#[test]
fn another_trust_domain_is_refused_even_below_our_own_root() {
    let expected = DOMAIN.parse().unwrap();
    let id = "spiffe://test.example/ns/shop/sa/web";
    let found = refused_but(|params| params.subject_alt_names = vec![uri(id)]);
    assert_eq!(found, PeerError::TrustDomain { id: id.parse().unwrap(), expected });
}

#[test]
fn a_stranger_is_refused_whatever_it_says_of_itself() {
    let (mesh, other) = (Mesh::new(), Mesh::new());
    let untrusted = |shown: &Shown| match refused(&mesh, shown) {
        PeerError::Untrusted { trust_domain, .. } => assert_eq!(trust_domain.as_str(), DOMAIN),
        other => panic!("{other:?}"),
    };
    untrusted(&other.web());
    untrusted(&other.web().above(&[&mesh.issuing.certificate]));
    untrusted(&other.web().above(&[&other.issuing.certificate, &other.root.certificate]));
    untrusted(&mesh.web().above(&[]));
}

#[test]
fn the_leaf_must_have_the_form_of_the_profile() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1");
    let second = "spiffe://prod.example/ns/shop/sa/api";
    let two = refused_but(|params| params.subject_alt_names.push(uri(second)));
    assert_eq!(two, LeafError::Names { names: 2, uris: 2 }.into());
    let no_usage = refused_but(|params| params.extended_key_usages.clear());
    assert!(matches!(no_usage, PeerError::Leaf(LeafError::Missing { name: "extKeyUsage", .. })));
    for position in 0..2 {
        let half = refused_but(|params| drop(params.extended_key_usages.remove(position)));
        assert_eq!(half, LeafError::ExtendedKeyUsage.into());
    }
    let ca = refused_but(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    assert_eq!(ca, LeafError::CertificateAuthority.into());
    let odd = refused_but(|params| params.custom_extensions.push(critical(unknown, vec![5, 0])));
    assert_eq!(odd, LeafError::UnknownCritical { extension: unknown }.into());
}

#[test]
fn a_duplicate_extension_is_refused_known_or_not() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1");
    let label = clearance::encode(&"public".parse().unwrap(), &bulkhead_mesh::Levels::default()).unwrap();
    for (id, value) in
        [(unknown, vec![5, 0]), (oid::SUBJECT_DIRECTORY_ATTRIBUTES, label), (oid::KEY_USAGE, vec![3, 2, 7, 128])]
    {
        let found =
            refused_but(|params| params.custom_extensions.extend([extension(id, value.clone()), extension(id, value)]));
        assert_eq!(found, CertificateError::Twice { extension: id }.into());
    }
}

#[test]
fn the_right_name_in_the_wrong_place_is_refused() {
    let mesh = Mesh::new();
    let check = |claimed: Entry, expected: Mismatch| {
        let found = refusal(&trust(&mesh), &mesh.web(), &mesh.web(), &Demand::entry(claimed));
        assert_eq!(found, PeerError::Entry(Box::new(expected)));
    };
    let (name, here) = ("ns/shop/sa/web", life("n1", 2));
    let moved = |expected: NodeEpoch| (expected, life("n1", 2));
    let (expected, shown) = moved(life("n2", 2));
    check(entry(name, expected.clone(), 7), Mismatch::Node { expected, shown });
    for epoch in [1, 3] {
        let (expected, shown) = moved(life("n1", epoch));
        check(entry(name, expected.clone(), 7), Mismatch::Epoch { expected, shown });
    }
    check(entry(name, here.clone(), 8), Mismatch::Instance { expected: instance(8), shown: instance(7) });
    let id = |name: &str| format!("spiffe://{DOMAIN}/{name}").parse().unwrap();
    check(entry("ns/shop/sa/db", here, 7), Mismatch::Identity { expected: id("ns/shop/sa/db"), shown: id(name) });
    check(Entry::Plain, Mismatch::Plain);
}

#[test]
fn the_issuer_is_the_one_that_really_signed_whatever_the_leaf_says() {
    let mesh = Mesh::new();
    // The new issuer has the old one's name, so both are candidates for the path; the leaf points at the new one's key.
    let new = mesh.root.intermediate("issuing", Some(IssuerScope::ISSUING));
    let truth = Truth { issuers: [new.digest(), mesh.control.digest()].into_iter().collect(), ..mesh.truth() };
    let trust = trust_at(&mesh, truth, NOW);
    let identifier = new.key_identifier();
    let key = u8::try_from(identifier.len()).unwrap();
    let pointer = [&[0x30, key + 2, 0x80, key], &identifier[..]].concat();
    let leaf = Leaf::web()
        .but(|params| params.use_authority_key_identifier_extension = false)
        .with(extension(oid::AUTHORITY_KEY_IDENTIFIER, pointer));
    let old = mesh.issuing.sign(&leaf);
    let (below, new_one) = (&mesh.issuing.certificate, &new.certificate);
    for intermediates in [&[below][..], &[new_one, below], &[below, new_one]] {
        let shown = old.clone().above(intermediates);
        let found = refusal(&trust, &mesh.web(), &shown, &Demand::workload());
        assert_eq!(found, PeerError::IssuerNotAccepted { issuer: mesh.issuing.digest() });
    }
    assert_eq!(accepted(&trust, &mesh.web(), &new.sign(&Leaf::web()), &Demand::workload()).issuer(), new.digest());
}

#[test]
fn at_the_first_contact_any_issuer_below_the_root_will_do_within_its_scope() {
    let mesh = Mesh::new();
    let trust = trust_at(&mesh, Truth { issuers: AcceptedIssuers::AnyBelowRoot, ..mesh.truth() }, NOW);
    let ca = Demand::control(ControlRole::Ca);
    accepted(&trust, &mesh.web(), &mesh.ca(), &ca);
    let forged = mesh.issuing.sign(&Leaf::plain("/control/ca"));
    assert!(matches!(refusal(&trust, &mesh.web(), &forged, &ca), PeerError::OutOfScope { .. }));
}

#[test]
fn an_issuing_key_cannot_pose_as_the_authority_or_an_operator() {
    let mesh = Mesh::new();
    for path in ["/control/feed", "/control/ca", "/operator/x"] {
        let shown = mesh.issuing.sign(&Leaf::plain(path));
        let found = refusal(&trust(&mesh), &mesh.web(), &shown, &Demand::any_of(&PurposeKind::ALL));
        let (id, issuer) = (format!("spiffe://{DOMAIN}{path}").parse().unwrap(), mesh.issuing.digest());
        assert_eq!(found, PeerError::OutOfScope { id, issuer, scope: IssuerScope::ISSUING });
    }
    for leaf in [Leaf::web(), Leaf::node("n1", 1)] {
        let shown = mesh.control.sign(&leaf);
        let found = refusal(&trust(&mesh), &mesh.web(), &shown, &Demand::any_of(&PurposeKind::ALL));
        assert!(matches!(found, PeerError::OutOfScope { scope: IssuerScope::CONTROL, .. }));
    }
}

#[test]
fn an_intermediate_without_a_clear_scope_may_sign_nothing() {
    let mesh = Mesh::new();
    let check = |authority: &Held, expected: PeerError| {
        let truth = Truth { issuers: [authority.digest()].into_iter().collect(), ..mesh.truth() };
        let shown = authority.sign(&Leaf::web());
        assert_eq!(refusal(&trust_at(&mesh, truth, NOW), &mesh.web(), &shown, &Demand::workload()), expected);
    };
    check(&mesh.root.intermediate("issuing", None), IssuerError::NoScope.into());
    let mut twice = authority("issuing", Some(0));
    let scope = |scope: IssuerScope| extension(oid::ISSUER_SCOPE, scope.encode().unwrap());
    twice.custom_extensions = vec![scope(IssuerScope::CONTROL), scope(IssuerScope::ISSUING)];
    let expected = IssuerError::Certificate(CertificateError::Twice { extension: oid::ISSUER_SCOPE });
    check(&mesh.root.authority(twice), expected.into());
    let mut no_signing = authority("issuing", Some(0));
    no_signing.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    no_signing.custom_extensions = vec![scope(IssuerScope::ISSUING)];
    check(&mesh.root.authority(no_signing), IssuerError::KeyUsage.into());
}

#[test]
fn the_path_is_leaf_intermediate_root_and_nothing_else() {
    let mesh = Mesh::new();
    let direct = mesh.root.sign(&Leaf::web());
    assert_eq!(refused(&mesh, &direct), PeerError::PathLength { intermediates: 0 });
    let middle = mesh.root.authority(authority("middle", Some(1)));
    let low = middle.intermediate("low", Some(IssuerScope::ISSUING));
    let deep = low.sign(&Leaf::web()).above(&[&low.certificate, &middle.certificate]);
    assert_eq!(refused(&mesh, &deep), PeerError::PathLength { intermediates: 2 });
    let extended = mesh.issuing.intermediate("extended", Some(IssuerScope::ISSUING));
    let shown = extended.sign(&Leaf::web()).above(&[&extended.certificate, &mesh.issuing.certificate]);
    assert_eq!(refused(&mesh, &shown), PeerError::Path { source: webpki::Error::PathLenConstraintViolated });
    let many = mesh.web().above(&[&mesh.issuing.certificate; 4]);
    assert_eq!(refused(&mesh, &many), PeerError::ChainTooLong { certificates: 5, limit: 4 });
}

#[test]
fn a_face_takes_only_the_purpose_that_it_demands() {
    let mesh = Mesh::new();
    let operator = mesh.control.sign(&Leaf::plain("/operator/ada"));
    for shown in [mesh.node(), mesh.ca(), operator] {
        assert!(matches!(refused(&mesh, &shown), PeerError::Purpose { .. }));
    }
    let demand = Demand::control(ControlRole::Ca);
    let found = |shown: &Shown| refusal(&trust(&mesh), &mesh.web(), shown, &demand);
    assert!(matches!(found(&mesh.node()), PeerError::Purpose { .. }));
    let feed = mesh.control.sign(&Leaf::plain("/control/feed"));
    let id = "spiffe://prod.example/control/feed".parse().unwrap();
    assert_eq!(found(&feed), PeerError::AnotherPeer { id, expected: Purpose::Control(ControlRole::Ca) });
}

#[test]
fn a_label_of_an_unknown_level_is_refused() {
    let mesh = Mesh::new();
    let shown = mesh.issuing.sign(&Leaf::workload("ns/shop/sa/web", "n1", 2, 7, "cosmic"));
    let expected = LeafError::Label(clearance::ClearanceError::UnknownLevel { number: 63 });
    assert_eq!(refused(&mesh, &shown), expected.into());
}

#[test]
fn what_is_cut_off_is_refused_and_nothing_else() {
    let mesh = Mesh::new();
    let id = "spiffe://prod.example/ns/shop/sa/web".parse::<bulkhead_mesh::SpiffeId>().unwrap();
    let node = |epoch| Subject::Node { node: "n1".parse().unwrap(), epoch: life("n1", epoch).epoch };
    let identity = |issued_before| Subject::Identity { id: id.clone(), issued_before };
    let copy = |issued_before| Subject::Instance { instance: instance(7), issued_before };
    let after = NOW.plus(Duration::from_millis(1));
    for (subject, cut) in [
        (node(2), true),
        (node(1), false),
        (identity(after), true),
        (identity(NOW), false),
        (copy(after), true),
        (copy(NOW), false),
        (Subject::Serial(Serial::from_random([0xa5; 16])), true),
        (Subject::Serial(Serial::from_random([0xa6; 16])), false),
        (Subject::Issuer(mesh.issuing.digest()), true),
        (Subject::Issuer(mesh.control.digest()), false),
    ] {
        let cutoff = Cutoff { subject, reason: "test".parse().unwrap(), bound: Timestamp::MAX };
        let mut cutoffs = CutoffSet::default();
        cutoffs.insert(cutoff.clone());
        let trust = trust_at(&mesh, Truth { cutoffs, ..mesh.truth() }, NOW);
        if cut {
            let found = refusal(&trust, &mesh.ca(), &mesh.web(), &Demand::workload());
            assert_eq!(found, PeerError::CutOff { cutoff: Box::new(cutoff) });
        } else {
            accepted(&trust, &mesh.ca(), &mesh.web(), &Demand::workload());
        }
    }
}

#[test]
fn no_certificate_is_enough_only_where_a_face_says_so() {
    let mesh = Mesh::new();
    let (error, slot) = refused_as_client(&trust(&mesh), &mesh.web(), None, &Demand::workload());
    assert_eq!((error, slot.refusal()), (Error::NoCertificatesPresented, None));

    let any = Demand::any_of(&PurposeKind::ALL);
    let open = Acceptor::new(&mesh.ca().own(), trust(&mesh), any, &[b"h2"]).unwrap().with_unknown_clients();
    let (config, slot) = open.begin();
    let met = Met::between(raw_client(None, &rustls::version::TLS13), config);
    assert_eq!((met.error.clone(), slot.take_if_shown(&met.server)), (None, Ok(None)));
    let (config, slot) = open.begin();
    let stranger = Mesh::new().web();
    let met = Met::between(raw_client(Some(&stranger), &rustls::version::TLS13), config);
    assert!(met.error.is_some() && matches!(slot.refusal(), Some(PeerError::Untrusted { .. })));
    let (config, slot) = open.begin();
    let met = Met::between(raw_client(Some(&mesh.web()), &rustls::version::TLS13), config);
    assert_eq!(*slot.take(&met.server).unwrap().id(), "spiffe://prod.example/ns/shop/sa/web".parse().unwrap());
}

#[test]
fn a_chain_without_its_key_is_not_a_peer() {
    let mesh = Mesh::new();
    let stolen = Shown { pkcs8: mesh.node().pkcs8, ..mesh.web() };
    let (error, slot) = refused_as_client(&trust(&mesh), &mesh.web(), Some(&stolen), &Demand::workload());
    assert!(matches!(error, Error::InvalidCertificate(rustls::CertificateError::BadSignature)), "{error:?}");
    // The chain itself was in order; the slot gives no peer all the same, because the handshake never ended.
    assert_eq!(slot.refusal(), None);
}

#[test]
fn a_slot_belongs_to_one_connection() {
    let mesh = Mesh::new();
    let acceptor = Acceptor::new(&mesh.ca().own(), trust(&mesh), Demand::any_of(&PurposeKind::ALL), &[b"h2"]).unwrap();
    let meet = |shown: &Shown| {
        let (config, slot) = acceptor.begin();
        (Met::between(raw_client(Some(shown), &rustls::version::TLS13), config), slot)
    };
    let ((web, of_web), (node, of_node)) = (meet(&mesh.web()), meet(&mesh.node()));
    assert_eq!(of_web.take(&node.server), Err(SlotError::AnotherConnection));
    assert_eq!(of_node.take(&web.server), Err(SlotError::AnotherConnection));
}

#[test]
fn tls_1_2_is_refused_on_both_sides() {
    let mesh = Mesh::new();
    let acceptor = Acceptor::new(&mesh.web().own(), trust(&mesh), Demand::workload(), &[b"h2"]).unwrap();
    let old = Met::between(raw_client(Some(&mesh.web()), &rustls::version::TLS12), acceptor.begin().0);
    assert!(matches!(old.error, Some(Error::PeerIncompatible(_))), "{:?}", old.error);
    let connector = Connector::new(Some(&mesh.web().own()), trust(&mesh), &[b"h2"]).unwrap();
    let old = Met::between(connector.begin(Demand::workload()).0, raw_server(&mesh.web(), &rustls::version::TLS12));
    assert!(matches!(old.error, Some(Error::PeerIncompatible(_))), "{:?}", old.error);
}

#[test]
fn a_protocol_must_be_agreed_on() {
    let mesh = Mesh::new();
    let acceptor = Acceptor::new(&mesh.web().own(), trust(&mesh), Demand::workload(), &[b"h2"]).unwrap();
    let mut silent = (*raw_client(Some(&mesh.web()), &rustls::version::TLS13)).clone();
    silent.alpn_protocols.clear();
    let (config, slot) = acceptor.begin();
    let met = Met::between(silent.into(), config);
    assert_eq!((met.error.clone(), slot.take(&met.server)), (None, Err(SlotError::Protocol)));
}

#[test]
fn nothing_is_resumed_on_either_side() {
    let mesh = Mesh::new();
    let acceptor = Acceptor::new(&mesh.web().own(), trust(&mesh), Demand::workload(), &[b"h2"]).unwrap();
    let (client, server) = (raw_client(Some(&mesh.web()), &rustls::version::TLS13), acceptor.begin().0);
    for _ in 0..2 {
        let met = Met::between(client.clone(), server.clone());
        assert_eq!((met.kind(), met.client.tls13_tickets_received()), (HandshakeKind::Full, 0));
    }
    let connector = Connector::new(Some(&mesh.web().own()), trust(&mesh), &[b"h2"]).unwrap();
    let (client, server) = (connector.begin(Demand::workload()).0, raw_server(&mesh.web(), &rustls::version::TLS13));
    for _ in 0..2 {
        let met = Met::between(client.clone(), server.clone());
        assert_eq!(met.kind(), HandshakeKind::Full);
        assert!(met.client.tls13_tickets_received() > 0, "the raw server offers what our client must not use");
    }
}

#[test]
fn a_cutoff_that_arrives_between_two_handshakes_holds_in_the_second() {
    let mesh = Mesh::new();
    let known = std::sync::Arc::new(support::wire::Known(std::sync::Mutex::new(mesh.truth().into())));
    let trust = bulkhead_identity::tls::Trust { truth: known.clone(), ..trust(&mesh) };
    accepted(&trust, &mesh.web(), &mesh.web(), &Demand::workload());
    let mut cutoffs = CutoffSet::default();
    let subject = Subject::Node { node: "n1".parse().unwrap(), epoch: life("n1", 2).epoch };
    cutoffs.insert(Cutoff { subject, reason: "stolen".parse().unwrap(), bound: Timestamp::MAX });
    *known.0.lock().unwrap() = Truth { cutoffs, ..mesh.truth() }.into();
    let found = refusal(&trust, &mesh.web(), &mesh.web(), &Demand::workload());
    assert!(matches!(found, PeerError::CutOff { .. }));
}

#[test]
fn a_bundle_is_read_as_it_is_written_and_holds_roots_only() {
    let mesh = Mesh::new();
    let bundle = mesh.bundle();
    let read = TrustBundle::from_pem(DOMAIN.parse().unwrap(), &bundle.to_pem()).unwrap();
    assert_eq!(read, bundle);
    assert!(TrustBundle::new(DOMAIN.parse().unwrap(), vec![]).is_err());
    assert!(TrustBundle::new(DOMAIN.parse().unwrap(), vec![mesh.web().chain[0].clone()]).is_err());
    assert!(TrustBundle::from_pem(DOMAIN.parse().unwrap(), &bundle.to_pem()[..100]).is_err());
}
