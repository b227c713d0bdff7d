//! What is taken from a request, and what is refused.

use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};

use super::*;

fn expected() -> SpiffeId {
    "spiffe://prod.example/ns/shop/sa/web".parse().unwrap()
}

fn request(change: impl FnOnce(&mut CertificateParams), key: &KeyPair) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    change(&mut parameters);
    parameters.serialize_request(key).unwrap().der().to_vec()
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn check(change: impl FnOnce(&mut CertificateParams), refused: Option<CsrError>) {
    let key = KeyPair::generate().unwrap();
    let read = read(&request(change, &key), &expected());
    assert_eq!(read.map(|taken| taken.der_bytes() == key.public_key_raw()), refused.map_or(Ok(true), Err));
}

fn other(asked: &str) -> CsrError {
    CsrError::OtherIdentity { asked: asked.into(), expected: expected() }
}

#[test]
fn only_the_key_is_taken_from_a_request() {
    check(|_| (), None);
    check(|asked| asked.distinguished_name.push(DnType::CommonName, "anything"), None);
    check(|asked| asked.subject_alt_names = vec![uri("spiffe://prod.example/ns/shop/sa/web")], None);
    check(|asked| asked.is_ca = IsCa::ExplicitNoCa, None);
    check(|asked| asked.key_usages = vec![KeyUsagePurpose::DigitalSignature], None);
}

#[test]
fn a_request_for_another_identity_is_refused() {
    let mine = || uri("spiffe://prod.example/ns/shop/sa/web");
    for asked in [
        "spiffe://prod.example/ns/shop/sa/db",
        "spiffe://prod.example/control/ca",
        "spiffe://other.example/ns/shop/sa/web",
        "SPIFFE://prod.example/ns/shop/sa/web",
    ] {
        check(|request| request.subject_alt_names = vec![uri(asked)], Some(other(asked)));
        check(|request| request.subject_alt_names = vec![mine(), uri(asked)], Some(other(asked)));
    }
    let name = || SanType::DnsName("ca.example".try_into().unwrap());
    check(|request| request.subject_alt_names = vec![mine(), name()], Some(other("ca.example")));
    let address = SanType::IpAddress([127, 0, 0, 1].into());
    check(|request| request.subject_alt_names = vec![address], Some(other("a network address")));
}

#[test]
fn a_request_to_become_an_authority_is_refused() {
    let unconstrained = || IsCa::Ca(BasicConstraints::Unconstrained);
    check(|asked| asked.is_ca = unconstrained(), Some(CsrError::Authority));
    check(|asked| asked.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)), Some(CsrError::Authority));
    check(|asked| asked.key_usages = vec![KeyUsagePurpose::KeyCertSign], Some(CsrError::Authority));
    check(|asked| asked.key_usages = vec![KeyUsagePurpose::CrlSign], Some(CsrError::Authority));
}

#[test]
fn a_request_signed_by_another_key_is_refused() {
    let (key, thief) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (mine, stolen) = (request(|_| (), &key), request(|_| (), &thief));
    let at = stolen.windows(65).position(|window| window == thief.public_key_raw()).unwrap();
    let mut forged = stolen;
    forged[at..at + 65].copy_from_slice(key.public_key_raw());
    assert_eq!(read(&forged, &expected()), Err(CsrError::Signature));
    assert!(read(&mine, &expected()).is_ok());
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let key = KeyPair::generate().unwrap();
    let mut forged = request(|_| (), &key);
    let at = forged.windows(65).position(|window| window == key.public_key_raw()).unwrap();
    forged[at + 64] ^= 1;
    assert_eq!(read(&forged, &expected()), Err(CsrError::KeyType));
}

#[test]
fn other_keys_than_p256_are_refused() {
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert_eq!(read(&request(|_| (), &key), &expected()), Err(CsrError::KeyType));
    }
}

#[test]
fn bytes_too_many_are_refused() {
    let mut long = request(|_| (), &KeyPair::generate().unwrap());
    long.push(0);
    assert_eq!(read(&long, &expected()), Err(CsrError::Malformed));
    long.resize(MAX_BYTES + 1, 0);
    assert_eq!(read(&long, &expected()), Err(CsrError::TooLong { bytes: MAX_BYTES + 1 }));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        prop_assert!(read(&bytes, &expected()).is_err());
    }

    #[test]
    fn no_damaged_request_makes_the_reader_panic(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let ask = |asked: &mut CertificateParams| {
            asked.subject_alt_names = vec![uri("spiffe://prod.example/ns/shop/sa/web")];
            asked.is_ca = IsCa::ExplicitNoCa;
        };
        let mut bytes = request(ask, &KeyPair::generate().unwrap());
        prop_assert!(read(&bytes[..cut.index(bytes.len())], &expected()).is_err());
        *at.get_mut(&mut bytes) = byte;
        let _ = read(&bytes, &expected());
    }
}
