//! Why bytes are not a certificate.

use der::asn1::ObjectIdentifier;

/// Why bytes are not a certificate that can be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CertificateError {
    #[error("the certificate has {bytes} bytes; the limit `certificate_bytes` is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the certificate has {found} extensions; the limit `extensions` is {limit}")]
    TooManyExtensions { found: usize, limit: usize },
    #[error("the certificate is not DER (RFC 5280, section 4.1)")]
    Der(#[from] der::Error),
    #[error(
        "the certificate is not written as DER demands, or has fields that no profile allows (RFC 5280, section 4.1)"
    )]
    NotCanonical,
    #[error("the certificate is not of version 3 (RFC 5280, section 4.1.2.1)")]
    Version,
    #[error("the certificate names two different signature algorithms (RFC 5280, section 4.1.1.2)")]
    Algorithms,
    #[error(
        "the certificate's validity is not UTCTime until 2049 and GeneralizedTime after (RFC 5280, section 4.1.2.5)"
    )]
    Time,
    #[error("the certificate has the extension {extension} twice (RFC 5280, section 4.2)")]
    Twice { extension: ObjectIdentifier },
}
