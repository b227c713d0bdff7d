//! What a believed peer is known by, and what the mesh knows against one.

use super::*;

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
fn a_label_of_an_unknown_level_is_refused() {
    let mesh = Mesh::new();
    let shown = mesh.issuing.sign(&Leaf::workload("ns/shop/sa/web", "n1", 2, 7, "cosmic"));
    let expected = LeafError::Label(clearance::ClearanceError::UnknownLevel { number: 63 });
    assert_eq!(refused(&mesh, &shown), expected.into());
}
