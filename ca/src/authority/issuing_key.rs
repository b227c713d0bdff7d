//! An intermediate's key with its certificate, and the mark that says which leaves it may sign.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bulkhead_identity::IssuerScope;
use bulkhead_identity::keys::KeyError;
use bulkhead_identity::profile::BACKDATED;
use bulkhead_mesh::{Serial, SpkiDigest, Timestamp, TrustDomain};
use rcgen::{Issuer, PublicKeyData};
use rustls_pki_types::CertificateDer;

use super::issuer::{self, IssuerError, IssuerFacts, Station};
use super::key::P256Key;

/// Which of the two intermediates: [`Issuing`] or [`Control`], and nothing else.
pub trait Scope: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// The purposes that its leaves may have.
    const SCOPE: IssuerScope;
}

/// Marks what the issuing intermediate signs: workloads and nodes.
#[derive(Debug)]
pub enum Issuing {}

/// Marks what the control intermediate signs: operators and the authority's own roles.
#[derive(Debug)]
pub enum Control {}

impl Scope for Issuing {
    const SCOPE: IssuerScope = IssuerScope::ISSUING;
}

impl Scope for Control {
    const SCOPE: IssuerScope = IssuerScope::CONTROL;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Issuing {}
    impl Sealed for super::Control {}
}

/// The unsealed key of an intermediate.
pub struct IssuingKey<S> {
    pub(crate) issuer: Issuer<'static, P256Key>,
    /// The same issuer with a key that nobody trusts: what it signs is linted and thrown away.
    pub(crate) rehearsal: Issuer<'static, P256Key>,
    certificate: CertificateDer<'static>,
    facts: IssuerFacts,
    scope: PhantomData<S>,
}

/// A leaf's serial number and validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub(crate) serial: Serial,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl<S: Scope> IssuingKey<S> {
    /// Joins an intermediate's certificate and its key; the certificate must have the scope `S`.
    pub fn new(certificate: CertificateDer<'static>, key: P256Key) -> Result<Self, IssuingKeyError> {
        let facts = issuer::inspect(&certificate, Station::intermediate(S::SCOPE))?;
        if *facts.point != *key.der_bytes() {
            return Err(IssuingKeyError::OtherKey);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let rehearsal = Issuer::from_ca_cert_der(&certificate, P256Key::generate()?)?;
        Ok(Self { issuer, rehearsal, certificate, facts, scope: PhantomData })
    }

    /// The terms of a leaf that is issued `now`; it ends with its issuer at the latest. `serial` must be random.
    pub fn terms(&self, serial: Serial, now: Timestamp, lifetime: Duration) -> Terms {
        let end = now.plus(lifetime).min(self.facts.not_after);
        Terms { serial, not_before: whole_seconds(now.minus(BACKDATED)), not_after: whole_seconds(end) }
    }

    /// The intermediate's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The digest by which the mesh accepts this issuer.
    pub fn digest(&self) -> SpkiDigest {
        self.facts.digest
    }

    /// The trust domain that it issues for.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.facts.trust_domain
    }

    /// When the intermediate itself ends.
    pub fn not_after(&self) -> Timestamp {
        self.facts.not_after
    }
}

impl<S: Scope> fmt::Debug for IssuingKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuingKey({}, {})", S::SCOPE, self.facts.digest)
    }
}

/// Why a certificate and a key are not an intermediate.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum IssuingKeyError {
    #[error("the certificate is not the intermediate's")]
    Issuer(#[from] IssuerError),
    #[error("the certificate is that of another key")]
    OtherKey,
    #[error("the key cannot be used")]
    Key(#[from] KeyError),
    #[error("the certificate's name or key identifier cannot be used")]
    Name(#[from] rcgen::Error),
}

/// Certificates know whole seconds (RFC 5280, section 4.1.2.5).
fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_secs(moment.as_secs())
}
