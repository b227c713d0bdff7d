//! The form of the leaf, its name and its purpose.

use super::*;

#[test]
fn another_trust_domain_is_refused_even_below_our_own_root() {
    let expected = DOMAIN.parse().unwrap();
    let id = "spiffe://test.example/ns/shop/sa/web";
    let found = refused_but(|params| params.subject_alt_names = vec![uri(id)]);
    assert_eq!(found, PeerError::TrustDomain { id: id.parse().unwrap(), expected });
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
