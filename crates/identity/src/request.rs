//! A PKCS #10 request (RFC 2986): how a program asks for a certificate of its key.
//!
//! It names nobody and wishes for nothing: the CA takes the key from it, after its signature was checked, and everything
//! else from the evidence beside it. What a request could say more would only be refused.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode as _, Encode as _, Sequence, Tag, TagNumber};

use crate::certificate::{Algorithm, PublicKey};
use crate::keys::{KeyError, PrivateKey};
use crate::oid;

/// A request in DER for a certificate of this key, signed by it.
pub fn signing_request(key: &PrivateKey) -> Result<Vec<u8>, KeyError> {
    let spki = key.public_key_info();
    let info = Info {
        version: V1,
        subject: AnyRef::new(Tag::Sequence, &[]).expect("nothing is short enough"),
        key: PublicKey::from_der(&spki).expect("a SubjectPublicKeyInfo was just written"),
        attributes: AnyRef::new(ATTRIBUTES, &[]).expect("nothing is short enough"),
    };
    let signed = info.to_der().expect("a request of fixed size can be written");
    let signature = key.sign(&signed)?;
    let request = Request {
        info,
        algorithm: Algorithm { id: oid::ECDSA_WITH_SHA256, parameters: None },
        signature: BitStringRef::from_bytes(&signature).expect("a signature is short enough"),
    };
    Ok(request.to_der().expect("a request of fixed size can be written"))
}

/// CertificationRequest (RFC 2986, section 4.2).
#[derive(Sequence)]
struct Request<'a> {
    info: Info<'a>,
    algorithm: Algorithm<'a>,
    signature: BitStringRef<'a>,
}

/// CertificationRequestInfo (RFC 2986, section 4.1).
#[derive(Sequence)]
struct Info<'a> {
    version: u8,
    subject: AnyRef<'a>,
    key: PublicKey<'a>,
    attributes: AnyRef<'a>,
}

/// Version 1 is written as 0.
const V1: u8 = 0;
/// `[0] IMPLICIT SET OF`: it must be there, even when it is empty.
const ATTRIBUTES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
    use x509_parser::certification_request::X509CertificationRequest;
    use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ECDSA_WITH_SHA256};
    use x509_parser::prelude::FromDer as _;
    use x509_parser::x509::X509Version;

    use super::*;

    #[test]
    fn a_foreign_reader_finds_the_key_and_nothing_else() {
        let key = PrivateKey::generate().unwrap();
        let der = signing_request(&key).unwrap();
        let (rest, request) = X509CertificationRequest::from_der(&der).unwrap();
        let info = &request.certification_request_info;
        assert!(rest.is_empty());
        assert_eq!(info.version, X509Version::V1);
        assert_eq!((info.subject.as_raw(), info.attributes().len()), (&[0x30, 0][..], 0));
        assert_eq!(info.subject_pki.algorithm.algorithm, OID_KEY_TYPE_EC_PUBLIC_KEY);
        let curve = info.subject_pki.algorithm.parameters.as_ref().unwrap();
        assert_eq!(curve.as_oid().unwrap(), OID_EC_P256);
        assert_eq!(info.subject_pki.raw, key.public_key_info());
        assert_eq!(request.signature_algorithm.algorithm, OID_SIG_ECDSA_WITH_SHA256);
        assert!(request.signature_algorithm.parameters.is_none(), "RFC 5758, section 3.2");
    }

    #[test]
    fn the_key_has_signed_what_the_request_says() {
        let key = PrivateKey::generate().unwrap();
        let der = signing_request(&key).unwrap();
        let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
        let point = &request.certification_request_info.subject_pki.subject_public_key.data;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_ref());
        let verify = |bytes: &[u8]| public.verify(bytes, &request.signature_value.data);
        verify(request.certification_request_info.raw).unwrap();
        verify(&[request.certification_request_info.raw, b"more"].concat()).unwrap_err();
    }

    #[test]
    fn each_key_asks_for_itself() {
        let (one, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        assert_ne!(one.public_key_info(), other.public_key_info());
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.digest(), PrivateKey::from_pkcs8(one.as_pkcs8().to_vec()).unwrap().digest());
    }
}
