//! The leaf profile, rule by rule, on certificates that differ from a good one in one thing.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod encoding;
#[path = "../support/mod.rs"]
mod support;

use bulkhead_identity::profile::{BACKDATED, inspect};
use bulkhead_identity::{CertificateError, LeafContent, LeafError, Limits, oid};
use bulkhead_mesh::{InstanceId, Levels};
use der::asn1::ObjectIdentifier;
use proptest::prelude::*;
use rcgen::{DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SerialNumber};
use support::{Held, Leaf, Mesh, NOW, critical, extension, life, uri};

fn look(leaf: &Leaf) -> Result<bulkhead_identity::Leaf, LeafError> {
    inspect(&Held::root("any").sign(leaf).chain[0], &Levels::default(), &Limits::default())
}

#[test]
fn a_good_leaf_says_what_was_put_into_it() {
    let leaf = look(&Leaf::web()).unwrap();
    let content = LeafContent {
        id: "spiffe://prod.example/ns/shop/sa/web".parse().unwrap(),
        label: Some("internal:eu".parse().unwrap()),
        node: Some(life("n1", 2)),
        instance: Some(InstanceId::from_bytes([7; 16])),
    };
    assert_eq!((leaf.content.clone(), leaf.issued_at()), (content, NOW));
    assert_eq!(leaf.not_before, NOW.minus(BACKDATED));
    assert_eq!(leaf.serial.as_bytes(), &[&[0x65; 1][..], &[0xa5; 15]].concat()[..]);
}

#[test]
fn every_purpose_has_its_form() {
    for leaf in [Leaf::node("n1", 1), Leaf::plain("/operator/ada"), Leaf::plain("/control/feed")] {
        look(&leaf).unwrap();
    }
    let presence = |leaf: Leaf, what, wanted| match look(&leaf) {
        Err(LeafError::Presence { what: found, wanted: said, .. }) => assert_eq!((found, said), (what, wanted)),
        other => panic!("{what}: {other:?}"),
    };
    let node = Leaf::node("n1", 1).params.custom_extensions;
    presence(Leaf::plain("/ns/shop/sa/web"), "label", true);
    presence(Leaf::plain("/node/n1"), "node", true);
    presence(Leaf::web().but(|params| params.custom_extensions.truncate(1)), "node", true);
    presence(Leaf::web().but(|params| params.custom_extensions[1] = node[0].clone()), "instance", true);
    presence(
        Leaf::web().but(|params| params.subject_alt_names = vec![uri("spiffe://prod.example/node/n1")]),
        "label",
        false,
    );
    presence(Leaf::plain("/control/ca").with(node[0].clone()), "node", false);
    let another =
        Leaf::node("n1", 1).but(|params| params.subject_alt_names = vec![uri("spiffe://prod.example/node/n2")]);
    assert_eq!(look(&another), Err(LeafError::AnotherNode { name: "n2".parse().unwrap(), bound: life("n1", 1) }));
}

#[test]
fn what_differs_from_the_profile_in_one_thing_is_refused_for_it() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1");
    let check = |leaf: Leaf, expected: LeafError| assert_eq!(look(&leaf), Err(expected));
    let web = Leaf::web;
    let names = |uris: &[&str]| {
        Leaf::web().but(|params| params.subject_alt_names = uris.iter().map(|text| uri(text)).collect())
    };
    let id = "spiffe://prod.example/ns/shop/sa/web";

    check(
        web().but(|params| params.serial_number = Some(SerialNumber::from_slice(&[1]))),
        LeafError::Serial { octets: 1 },
    );
    check(
        web().but(|params| params.serial_number = Some(SerialNumber::from_slice(&[0x80; 16]))),
        LeafError::Serial { octets: 16 },
    );
    let with_subject = web().but(|params| params.distinguished_name.push(DnType::CommonName, "web"));
    check(with_subject, LeafError::Subject);
    check(
        web().valid(NOW, NOW.minus(BACKDATED)),
        LeafError::Validity { not_before: NOW, not_after: NOW.minus(BACKDATED) },
    );
    check(names(&[id, "spiffe://prod.example/ns/shop/sa/api"]), LeafError::Names { names: 2, uris: 2 });
    check(
        web().but(|params| params.subject_alt_names.push(rcgen::SanType::DnsName("web.shop".try_into().unwrap()))),
        LeafError::Names { names: 2, uris: 1 },
    );
    check(
        web().but(|params| params.subject_alt_names = vec![rcgen::SanType::DnsName("web.shop".try_into().unwrap())]),
        LeafError::Names { names: 1, uris: 0 },
    );
    check(names(&[]), missing("subjectAltName", "RFC 5280, section 4.2.1.6"));
    assert!(matches!(look(&names(&["https://prod.example/ns/shop/sa/web"])), Err(LeafError::Id(_))));
    let elsewhere = "spiffe://prod.example/elsewhere";
    check(names(&[elsewhere]), LeafError::NoPurpose { id: elsewhere.parse().unwrap() });
    check(web().but(|params| params.is_ca = IsCa::NoCa), missing("basicConstraints", "RFC 5280, section 4.2.1.9"));
    check(
        web().but(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
        LeafError::CertificateAuthority,
    );
    check(web().but(|params| params.key_usages.clear()), missing("keyUsage", "X.509-SVID, section 4.3"));
    check(web().but(|params| params.key_usages.push(KeyUsagePurpose::KeyCertSign)), LeafError::KeyUsage);
    check(web().but(|params| params.extended_key_usages.clear()), missing("extKeyUsage", "RFC 5280, section 4.2.1.12"));
    check(web().but(|params| params.extended_key_usages.truncate(1)), LeafError::ExtendedKeyUsage);
    check(
        web().but(|params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::Any)),
        LeafError::ExtendedKeyUsage,
    );
    let no_aki = web().but(|params| params.use_authority_key_identifier_extension = false);
    check(no_aki, missing("authorityKeyIdentifier", "RFC 5280, section 4.2.1.1"));
    check(web().with(critical(unknown, vec![5, 0])), LeafError::UnknownCritical { extension: unknown });
    let twice = web().with(extension(unknown, vec![5, 0])).with(extension(unknown, vec![5, 0]));
    check(twice, CertificateError::Twice { extension: unknown }.into());
    look(&web().with(extension(unknown, vec![5, 0]))).unwrap();
}

#[test]
fn our_own_extensions_are_never_critical() {
    for position in 0..2 {
        let leaf = Leaf::web().but(|params| params.custom_extensions[position].set_criticality(true));
        assert!(matches!(look(&leaf), Err(LeafError::Criticality { critical: false, .. })));
    }
}

#[test]
fn the_san_is_critical_since_the_subject_is_empty() {
    let id = b"spiffe://prod.example/ns/shop/sa/web";
    let length = u8::try_from(id.len()).unwrap();
    let names = [&[0x30, 2 + length, 0x86, length], &id[..]].concat();
    let leaf = |extension| Leaf::web().but(|params| params.subject_alt_names.clear()).with(extension);
    look(&leaf(critical(oid::SUBJECT_ALT_NAME, names.clone()))).unwrap();
    let refused = look(&leaf(extension(oid::SUBJECT_ALT_NAME, names)));
    assert!(matches!(refused, Err(LeafError::Criticality { name: "subjectAltName", critical: true, .. })));
}

#[test]
fn only_p256_keys_are_leaves() {
    let mesh = Mesh::new();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let issuer = rcgen::Issuer::new(mesh.issuing.params(), &mesh.issuing.key);
    let certificate = Leaf::web().params.signed_by(&key, &issuer).unwrap();
    let refused = inspect(certificate.der(), &Levels::default(), &Limits::default());
    assert_eq!(refused, Err(LeafError::Key { algorithm: oid::EC_PUBLIC_KEY }));
}

#[test]
fn the_longest_label_and_the_limits_leave_each_other_room() {
    let categories: Vec<String> = (0..32).map(|number| format!("{number:0>63}")).collect();
    let leaf = Leaf::workload("ns/shop/sa/web", "n1", 2, 7, &format!("internal:{}", categories.join(",")));
    let certificate = Held::root("any").sign(&leaf).chain.remove(0);
    let look = |limits| inspect(&certificate, &Levels::default(), &limits);
    look(Limits::default()).unwrap();
    let (bytes, limit) = (certificate.len(), certificate.len() - 1);
    let tight = look(Limits { certificate_bytes: limit, ..Limits::default() });
    assert_eq!(tight, Err(CertificateError::TooLarge { bytes, limit }.into()));
    let few = look(Limits { extensions: 7, ..Limits::default() });
    assert_eq!(few, Err(CertificateError::TooManyExtensions { found: 8, limit: 7 }.into()));
}

fn missing(name: &'static str, rule: &'static str) -> LeafError {
    LeafError::Missing { name, rule }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_profile_panic(bytes: Vec<u8>, changes: Vec<(prop::sample::Index, u8)>) {
        let _ = inspect(&bytes, &Levels::default(), &Limits::default());
        let mut leaf = GOOD.with(Clone::clone);
        for (at, byte) in changes.iter().take(3) {
            *at.get_mut(&mut leaf) = *byte;
        }
        let _ = inspect(&leaf, &Levels::default(), &Limits::default());
    }
}

thread_local! {
    static GOOD: Vec<u8> = Mesh::new().web().chain[0].to_vec();
}
