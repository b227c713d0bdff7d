//! The connection itself: versions, groups, protocols, tickets, and peers without a certificate.

use super::*;

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
