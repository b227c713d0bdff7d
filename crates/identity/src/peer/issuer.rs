//! The intermediate that a path really used.

use bulkhead_mesh::{SpkiDigest, Timestamp};

use super::PeerError;
use crate::certificate::{Certificate, CertificateError, Limits};
use crate::oid;
use crate::scope::{IssuerScope, ScopeError};

/// What the verifier must know of an intermediate whose signature by the root is already checked.
pub(super) struct Issuer {
    pub(super) key: SpkiDigest,
    pub(super) scope: IssuerScope,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why an intermediate that the root has signed may sign nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum IssuerError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("the issuer's certificate has no scope ({}), so it may sign nothing", oid::ISSUER_SCOPE)]
    NoScope,
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("the issuer's keyUsage does not allow it to sign certificates (RFC 5280, section 4.2.1.3)")]
    KeyUsage,
}

impl Issuer {
    /// Reads the intermediate; webpki has looked at its basicConstraints, path length and unknown critical extensions.
    pub(super) fn read(der: &[u8], limits: &Limits) -> Result<Self, IssuerError> {
        let certificate = Certificate::read(der, limits)?;
        check_key_usage(&certificate)?;
        let scope = certificate.extension(oid::ISSUER_SCOPE).ok_or(IssuerError::NoScope)?;
        Ok(Self {
            key: certificate.key_digest()?,
            scope: IssuerScope::decode(scope)?,
            not_before: certificate.not_before()?,
            not_after: certificate.not_after()?,
        })
    }

    /// webpki checks the path at the moment at which a late node's certificate was still valid; an issuer has no grace.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), PeerError> {
        let Self { key: issuer, not_before, not_after, .. } = *self;
        let valid = (not_before..=not_after).contains(&now);
        if valid { Ok(()) } else { Err(PeerError::IssuerNotValid { issuer, not_before, not_after, now }) }
    }
}

/// The bit keyCertSign(5); webpki does not look at keyUsage.
fn check_key_usage(certificate: &Certificate<'_>) -> Result<(), IssuerError> {
    match certificate.extension(oid::KEY_USAGE) {
        Some([0x03, _, _, bits, ..]) if bits & KEY_CERT_SIGN != 0 => Ok(()),
        _ => Err(IssuerError::KeyUsage),
    }
}

const KEY_CERT_SIGN: u8 = 0x80 >> 5;
