//! The path from the leaf to the root, and who may sign what.

use std::sync::LazyLock;

use bulkhead_identity::{Limits, Verifier};
use proptest::prelude::*;
use rustls_pki_types::CertificateDer;

use super::*;

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
fn a_bundle_is_read_as_it_is_written_and_holds_roots_only() {
    let mesh = Mesh::new();
    let bundle = mesh.bundle();
    let read = TrustBundle::from_pem(DOMAIN.parse().unwrap(), &bundle.to_pem()).unwrap();
    assert_eq!(read, bundle);
    assert!(TrustBundle::new(DOMAIN.parse().unwrap(), vec![]).is_err());
    assert!(TrustBundle::new(DOMAIN.parse().unwrap(), vec![mesh.web().chain[0].clone()]).is_err());
    assert!(TrustBundle::from_pem(DOMAIN.parse().unwrap(), &bundle.to_pem()[..100]).is_err());
}

proptest! {
    #[test]
    fn a_chain_with_one_changed_byte_is_never_believed(which in 0..2_usize, at: prop::sample::Index, change in 1..=255_u8) {
        let (mesh, shown) = &*GOOD;
        let mut chain: Vec<Vec<u8>> = shown.chain.iter().map(|certificate| certificate.to_vec()).collect();
        *at.get_mut(&mut chain[which]) ^= change;
        let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
        let (bundle, truth, demand) = (mesh.bundle(), mesh.truth(), Demand::workload());
        let verifier = Verifier { bundle: &bundle, truth: &truth, demand: &demand, limits: &Limits::default() };
        prop_assert!(verifier.verify(&shown.chain, NOW).is_ok());
        prop_assert!(verifier.verify(&chain, NOW).is_err());
    }
}

static GOOD: LazyLock<(Mesh, Shown)> = LazyLock::new(|| {
    let mesh = Mesh::new();
    let web = mesh.web();
    (mesh, web)
});
