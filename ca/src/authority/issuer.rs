//! The certificate of a root or an intermediate, read back and held against what it should say (RFC 5280).

use bulkhead_identity::scope::ScopeError;
use bulkhead_identity::{CertificateError, IssuerScope, Limits, key_digest, oid};
use bulkhead_mesh::{Serial, SpkiDigest, Timestamp, TrustDomain};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

/// What the certificate of an issuer should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Station {
    /// How many intermediates may follow (section 4.2.1.9).
    pub(crate) path_length: u8,
    /// What it may sign; `None` for the root, which signs intermediates only.
    pub(crate) scope: Option<IssuerScope>,
}

impl Station {
    /// The root: one intermediate below it.
    pub(crate) const ROOT: Self = Self { path_length: 1, scope: None };

    /// An intermediate of this scope, with only leaves below it.
    pub(crate) const fn intermediate(scope: IssuerScope) -> Self {
        Self { path_length: 0, scope: Some(scope) }
    }
}

/// What the certificate of an issuer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerFacts {
    /// The digest that names its key.
    pub(crate) digest: SpkiDigest,
    /// Its public key, an uncompressed point.
    pub(crate) point: Box<[u8]>,
    /// The trust domain in its URI SAN, a SPIFFE ID without a path (X.509-SVID, section 3).
    pub(crate) trust_domain: TrustDomain,
    /// Its serial number.
    pub(crate) serial: Serial,
    /// The first second of its validity.
    pub(crate) not_before: Timestamp,
    /// The last second of its validity.
    pub(crate) not_after: Timestamp,
}

/// Reads an issuer's certificate in DER, which must say what its `station` demands; its signature is not looked at.
pub(crate) fn inspect(der: &[u8], station: Station) -> Result<IssuerFacts, IssuerError> {
    let digest = key_digest(der, &Limits::default())?;
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| IssuerError::Malformed)?;
    check_constraints(&certificate, station)?;
    check_key_usage(&certificate)?;
    check_key_identifiers(&certificate)?;
    let scope = scope(&certificate)?;
    if scope != station.scope {
        return Err(IssuerError::Scope { found: scope, expected: station.scope });
    }
    let validity = certificate.validity();
    Ok(IssuerFacts {
        digest,
        point: certificate.public_key().subject_public_key.data.as_ref().into(),
        trust_domain: trust_domain(&certificate)?,
        serial: serial(certificate.raw_serial())?,
        not_before: moment(validity.not_before.timestamp())?,
        not_after: moment(validity.not_after.timestamp())?,
    })
}

/// Whether `issuer`'s key, whose certificate this is, has signed the certificate `der`.
pub(crate) fn is_signed_by(der: &[u8], issuer: &[u8]) -> bool {
    let (Ok((_, certificate)), Ok((_, issuer))) = (X509Certificate::from_der(der), X509Certificate::from_der(issuer))
    else {
        return false;
    };
    certificate.issuer() == issuer.subject() && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

/// Why a certificate is not that of the issuer it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum IssuerError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("the issuer's certificate cannot be read")]
    Malformed,
    #[error(
        "basicConstraints must be critical and say CA:TRUE with pathLenConstraint {expected} (RFC 5280, section 4.2.1.9)"
    )]
    Constraints { expected: u8 },
    #[error("keyUsage must be critical and say keyCertSign and cRLSign, no more (RFC 5280, section 4.2.1.3)")]
    KeyUsage,
    #[error(
        "subjectKeyIdentifier is missing, or an intermediate has no authorityKeyIdentifier (RFC 5280, section 4.2.1.1)"
    )]
    KeyIdentifier,
    #[error("the scope is {}, not {}", told(*.found), told(*.expected))]
    Scope { found: Option<IssuerScope>, expected: Option<IssuerScope> },
    #[error("the scope cannot be read")]
    ScopeForm(#[from] ScopeError),
    #[error("subjectAltName must be one URI, `spiffe://<trust domain>` (X.509-SVID, section 3)")]
    TrustDomain,
    #[error("the serial number is not one of 128 bits that begin with 01 (RFC 5280, section 4.1.2.2)")]
    Serial,
    #[error("the validity begins or ends before 1970 (RFC 5280, section 4.1.2.5)")]
    Validity,
}

fn told(scope: Option<IssuerScope>) -> String {
    scope.map_or_else(|| "that of a root".into(), |scope| format!("`{scope}`"))
}

fn check_constraints(certificate: &X509Certificate<'_>, station: Station) -> Result<(), IssuerError> {
    let expected = station.path_length;
    match certificate.basic_constraints() {
        Ok(Some(found))
            if found.critical && found.value.ca && found.value.path_len_constraint == Some(expected.into()) =>
        {
            Ok(())
        }
        _ => Err(IssuerError::Constraints { expected }),
    }
}

/// Bits keyCertSign(5) and cRLSign(6), which x509-parser counts from the lowest.
fn check_key_usage(certificate: &X509Certificate<'_>) -> Result<(), IssuerError> {
    match certificate.key_usage() {
        Ok(Some(usage)) if usage.critical && usage.value.flags == 1 << 5 | 1 << 6 => Ok(()),
        _ => Err(IssuerError::KeyUsage),
    }
}

fn check_key_identifiers(certificate: &X509Certificate<'_>) -> Result<(), IssuerError> {
    let has = |wanted: fn(&ParsedExtension<'_>) -> bool| {
        certificate.extensions().iter().any(|extension| wanted(extension.parsed_extension()))
    };
    let own = has(|extension| matches!(extension, ParsedExtension::SubjectKeyIdentifier(_)));
    let issuers = has(|extension| matches!(extension, ParsedExtension::AuthorityKeyIdentifier(_)));
    let is_root = certificate.issuer() == certificate.subject();
    if own && (issuers || is_root) { Ok(()) } else { Err(IssuerError::KeyIdentifier) }
}

fn scope(certificate: &X509Certificate<'_>) -> Result<Option<IssuerScope>, IssuerError> {
    let wanted = oid::ISSUER_SCOPE.to_string();
    let found = certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == wanted);
    Ok(found.map(|extension| IssuerScope::decode(extension.value)).transpose()?)
}

fn trust_domain(certificate: &X509Certificate<'_>) -> Result<TrustDomain, IssuerError> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Err(IssuerError::TrustDomain) };
    let [GeneralName::URI(uri)] = &names.value.general_names[..] else { return Err(IssuerError::TrustDomain) };
    uri.strip_prefix("spiffe://").and_then(|domain| domain.parse().ok()).ok_or(IssuerError::TrustDomain)
}

fn serial(bytes: &[u8]) -> Result<Serial, IssuerError> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| IssuerError::Serial)?;
    let serial = Serial::from_random(bytes);
    if serial.as_bytes() == &bytes { Ok(serial) } else { Err(IssuerError::Serial) }
}

fn moment(seconds: i64) -> Result<Timestamp, IssuerError> {
    u64::try_from(seconds).map(Timestamp::from_secs).map_err(|_| IssuerError::Validity)
}
