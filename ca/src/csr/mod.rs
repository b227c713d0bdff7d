//! A PKCS#10 request (RFC 2986): only its public key is taken, and only when it asks for nothing that is not its due.
//!
//! Names, labels and nodes come from the evidence, so a request may say nothing of them. One that names another identity
//! or asks to become an authority is refused rather than corrected: somebody meant something else than they will get.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use bulkhead_mesh::{SpiffeId, SpkiDigest};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use x509_parser::certification_request::{X509CertificationRequest, X509CertificationRequestInfo};
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ECDSA_WITH_SHA256};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use crate::authority::P256Key;

/// A P-256 public key whose holder has proved, by signing the request, that it has the private key.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestedKey(Box<[u8]>);

/// Reads a request in DER of at most [`MAX_BYTES`], made by or for the holder of `expected_id`.
pub fn read(der: &[u8], expected_id: &SpiffeId) -> Result<RequestedKey, CsrError> {
    if der.len() > MAX_BYTES {
        return Err(CsrError::TooLong { bytes: der.len() });
    }
    let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| CsrError::Malformed)?;
    let info = &request.certification_request_info;
    if !rest.is_empty() || info.version != X509Version::V1 {
        return Err(CsrError::Malformed);
    }
    let key = p256_point(&info.subject_pki)?;
    check_signature(&request, key)?;
    check_wishes(info, expected_id)?;
    Ok(RequestedKey(key.into()))
}

impl RequestedKey {
    /// The public half of a key that the CA made itself: nobody has to prove its possession.
    pub(crate) fn of_own(key: &P256Key) -> Self {
        Self(key.der_bytes().into())
    }

    /// SHA-256 of its SubjectPublicKeyInfo: what a join token or a node's record remembers of the key.
    pub fn digest(&self) -> SpkiDigest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &self.subject_public_key_info()).as_ref());
        SpkiDigest::from_bytes(bytes)
    }
}

/// More than twice what a request with the longest SPIFFE ID takes.
pub const MAX_BYTES: usize = 8192;

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl fmt::Debug for RequestedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestedKey(P-256 ")?;
        self.0.iter().take(5).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CsrError {
    #[error("a certificate request has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the certificate request is not PKCS#10 in DER, version 1")]
    Malformed,
    #[error("the certificate request's key is not an uncompressed point on P-256")]
    KeyType,
    #[error("the certificate request is signed by another algorithm than ECDSA with SHA-256")]
    SignatureAlgorithm,
    #[error("the certificate request is not signed by the key that it carries")]
    Signature,
    #[error("the certificate request names `{asked}`, but its sender is `{expected}`")]
    OtherIdentity { asked: String, expected: SpiffeId },
    #[error("the certificate request asks to become a certificate authority")]
    Authority,
    #[error("the certificate request carries an extension {oid} that cannot be read")]
    Extension { oid: String },
}

impl CsrError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OtherIdentity { .. } => Some("the identity comes from the evidence; leave the request's names out"),
            Self::KeyType | Self::SignatureAlgorithm => Some("make a P-256 key and sign with ECDSA and SHA-256"),
            _ => None,
        }
    }
}

fn p256_point<'a>(key: &'a SubjectPublicKeyInfo<'_>) -> Result<&'a [u8], CsrError> {
    let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    let point = &key.subject_public_key;
    let is_uncompressed = point.unused_bits == 0 && point.data.len() == 65 && point.data[0] == 4;
    if key.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) || !is_uncompressed {
        return Err(CsrError::KeyType);
    }
    Ok(&point.data)
}

fn check_signature(request: &X509CertificationRequest<'_>, key: &[u8]) -> Result<(), CsrError> {
    if request.signature_algorithm.algorithm != OID_SIG_ECDSA_WITH_SHA256 {
        return Err(CsrError::SignatureAlgorithm);
    }
    // Parsing the key checks that the point lies on the curve.
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).map_err(|_| CsrError::KeyType)?;
    key.verify_sig(request.certification_request_info.raw, &request.signature_value.data)
        .map_err(|_| CsrError::Signature)
}

/// Every extension that is asked for is looked at, in every attribute that asks: a second list must not escape.
fn check_wishes(info: &X509CertificationRequestInfo<'_>, expected_id: &SpiffeId) -> Result<(), CsrError> {
    for attribute in info.iter_attributes() {
        if let ParsedCriAttribute::ExtensionRequest(asked) = attribute.parsed_attribute() {
            asked.extensions.iter().try_for_each(|extension| check_extension(extension, expected_id))?;
        }
    }
    Ok(())
}

fn check_extension(extension: &X509Extension<'_>, expected_id: &SpiffeId) -> Result<(), CsrError> {
    match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(constraints) if constraints.ca => Err(CsrError::Authority),
        ParsedExtension::KeyUsage(usage) if usage.key_cert_sign() || usage.crl_sign() => Err(CsrError::Authority),
        ParsedExtension::SubjectAlternativeName(names) => {
            names.general_names.iter().try_for_each(|name| check_name(name, expected_id))
        }
        ParsedExtension::ParseError { .. } => Err(CsrError::Extension { oid: extension.oid.to_id_string() }),
        _ => Ok(()),
    }
}

fn check_name(name: &GeneralName<'_>, expected: &SpiffeId) -> Result<(), CsrError> {
    let asked = match name {
        GeneralName::URI(uri) if *uri == expected.to_string() => return Ok(()),
        GeneralName::URI(name) | GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => (*name).to_owned(),
        other => format!("a {}", kind_of(other)),
    };
    Err(CsrError::OtherIdentity { asked, expected: expected.clone() })
}

fn kind_of(name: &GeneralName<'_>) -> &'static str {
    match name {
        GeneralName::IPAddress(_) => "network address",
        GeneralName::DirectoryName(_) => "directory name",
        _ => "name of another kind",
    }
}

#[cfg(test)]
mod tests;
