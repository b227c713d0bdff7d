//! What another parser would accept, and what two parsers could read differently: BER that is not DER, obsolete fields.

use std::sync::LazyLock;

use bulkhead_identity::profile::inspect;
use bulkhead_identity::{CertificateError, LeafError, Limits};
use bulkhead_mesh::Levels;
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};

use super::support::Mesh;

#[test]
fn a_default_that_is_spelt_out_is_refused() {
    assert_eq!(refused(&basic_constraints(0xff), &basic_constraints(0x00)), CertificateError::NotCanonical);
}

#[test]
fn a_boolean_is_one_of_two_octets() {
    assert!(matches!(refused(&basic_constraints(0xff), &basic_constraints(0x01)), CertificateError::Der(_)));
}

#[test]
fn only_version_3_is_read() {
    assert_eq!(refused(&[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 1]), CertificateError::Version);
    assert_eq!(refused(&[0xa0, 3, 2, 1, 2], &[]), CertificateError::Version);
}

#[test]
fn the_obsolete_unique_identifiers_are_refused() {
    let key = field(KEY);
    for unique in [[0x81, 2, 0, 1], [0x82, 2, 0, 1]] {
        let error = refused(&key, &[&key[..], &unique].concat());
        assert!(matches!(error, CertificateError::NotCanonical | CertificateError::Der(_)), "{error:?}");
    }
}

#[test]
fn a_leaf_names_its_own_key() {
    let tagged = field(EXTENSIONS);
    let list = AnyRef::from_der(AnyRef::from_der(&tagged).unwrap().value()).unwrap().value();
    let of_the_key = |extension: &Vec<u8>| extension.windows(5).any(|id| *id == [6, 3, 0x55, 0x1d, 14]);
    let extension = elements(list).into_iter().find(of_the_key).unwrap();
    let found = inspect(&replace(&LEAF, &extension, &[]), &Levels::default(), &Limits::default());
    assert!(matches!(found, Err(LeafError::Missing { name: "subjectKeyIdentifier", .. })), "{found:?}");
}

#[test]
fn the_years_before_2050_have_two_digits() {
    let not_after = elements(AnyRef::from_der(&field(VALIDITY)).unwrap().value()).remove(1);
    let four_digits = [&[0x18, 15, b'2', b'0'], &not_after[2..]].concat();
    assert_eq!(refused(&not_after, &four_digits), CertificateError::Time);
}

#[test]
fn the_two_signature_algorithms_are_one() {
    let mut parts = elements(AnyRef::from_der(&LEAF).unwrap().value());
    // ecdsa-with-SHA384 in the place of ecdsa-with-SHA256, outside of what is signed.
    *parts[1].last_mut().unwrap() = 3;
    assert_eq!(error_of(&sequence(&parts.concat())), CertificateError::Algorithms);
}

static LEAF: LazyLock<Vec<u8>> = LazyLock::new(|| Mesh::new().web().chain[0].to_vec());
/// The positions in a TBSCertificate.
const VALIDITY: usize = 4;
const KEY: usize = 6;
const EXTENSIONS: usize = 7;

/// The error of a good leaf in which one element was replaced.
fn refused(from: &[u8], to: &[u8]) -> CertificateError {
    let changed = replace(&LEAF, from, to);
    assert_ne!(changed, *LEAF, "the element is not there");
    error_of(&changed)
}

fn error_of(leaf: &[u8]) -> CertificateError {
    match inspect(leaf, &Levels::default(), &Limits::default()) {
        Err(LeafError::Certificate(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// basicConstraints as rcgen writes it, with this octet for its flag.
fn basic_constraints(critical: u8) -> Vec<u8> {
    vec![0x30, 12, 6, 3, 0x55, 0x1d, 19, 1, 1, critical, 4, 2, 0x30, 0]
}

/// One element of the leaf's TBSCertificate.
fn field(position: usize) -> Vec<u8> {
    let body = elements(AnyRef::from_der(&LEAF).unwrap().value()).remove(0);
    elements(AnyRef::from_der(&body).unwrap().value()).remove(position)
}

fn elements(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let mut reader = SliceReader::new(bytes).unwrap();
        let element = reader.tlv_bytes().unwrap();
        elements.push(element.to_vec());
        bytes = &bytes[element.len()..];
    }
    elements
}

/// Replaces each element that is `from`, and writes the lengths of those around it anew.
fn replace(element: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let any = AnyRef::from_der(element).unwrap();
    if element == from {
        to.to_vec()
    } else if any.tag().is_constructed() {
        let content: Vec<u8> = elements(any.value()).iter().flat_map(|inner| replace(inner, from, to)).collect();
        AnyRef::new(any.tag(), &content).unwrap().to_der().unwrap()
    } else {
        element.to_vec()
    }
}

fn sequence(content: &[u8]) -> Vec<u8> {
    AnyRef::new(Tag::Sequence, content).unwrap().to_der().unwrap()
}
