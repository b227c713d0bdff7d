//! The last look before the signature: a copy of the certificate, signed by a key that nobody trusts, is read back by
//! the same code that peers verify with, and must say what was meant, no less and no more.
//!
//! A fault in building a certificate would otherwise be found by whoever gains from it. The copy has the same bytes up
//! to the signature as the certificate that follows; [`crate::sign`] compares them.

use std::marker::PhantomData;

use bulkhead_identity::{IssuerScope, Leaf, LeafError, Limits, PurposeKind, profile};
use bulkhead_mesh::{Levels, SpiffeId, SpkiDigest, Timestamp, TrustDomain};
use rcgen::CertificateParams;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::authority::{IssuingKey, Scope};
use crate::csr::RequestedKey;
use crate::draft::{Draft, DraftError};

/// A leaf that was linted for one issuer, to be signed once. Only [`lint`] makes one: the fields are private.
#[derive(Debug)]
pub struct Linted<S> {
    rehearsed: Rehearsed,
    scope: PhantomData<S>,
}

/// What a linted leaf is signed from.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    pub(crate) parameters: CertificateParams,
    pub(crate) key: RequestedKey,
    pub(crate) leaf: Leaf,
    /// What the throw-away key has signed: everything but the signature.
    pub(crate) to_be_signed: Vec<u8>,
    pub(crate) issuer: SpkiDigest,
}

impl<S> Linted<S> {
    pub(crate) fn into_rehearsed(self) -> Rehearsed {
        self.rehearsed
    }
}

/// Builds the certificate that `draft` describes and checks it against the profile, the draft and the issuer.
pub fn lint<S: Scope>(draft: Draft<S>, key: &IssuingKey<S>, levels: &Levels) -> Result<Linted<S>, LintError> {
    let parameters = draft.parameters(levels)?;
    rehearse(parameters, draft, key, levels)
}

fn rehearse<S: Scope>(
    parameters: CertificateParams,
    draft: Draft<S>,
    key: &IssuingKey<S>,
    levels: &Levels,
) -> Result<Linted<S>, LintError> {
    let copy = parameters.signed_by(&draft.key, &key.rehearsal).map_err(DraftError::Build)?;
    let leaf = profile::inspect(copy.der(), levels, &Limits::default())?;
    check_meaning(&leaf, &draft)?;
    check_issuer(&leaf, key)?;
    let to_be_signed = to_be_signed(copy.der()).ok_or(LintError::NotAsMeant { what: "form" })?;
    let rehearsed = Rehearsed { parameters, key: draft.key, leaf, to_be_signed, issuer: key.digest() };
    Ok(Linted { rehearsed, scope: PhantomData })
}

/// Why a certificate is not signed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LintError {
    #[error("the certificate cannot be written")]
    Draft(#[from] DraftError),
    #[error("the certificate does not keep to the leaf profile")]
    Profile(#[from] LeafError),
    #[error("the certificate's {what} is not what was meant")]
    NotAsMeant { what: &'static str },
    #[error("`{id}` is not of this authority's trust domain `{expected}`")]
    TrustDomain { id: SpiffeId, expected: TrustDomain },
    #[error("an issuer for {scope} may not sign for `{id}`")]
    OutOfScope { id: SpiffeId, scope: IssuerScope },
    #[error("the certificate would end at {not_after}, after its issuer, which ends at {issuer_ends}")]
    OutlivesIssuer { not_after: Timestamp, issuer_ends: Timestamp },
}

fn check_meaning<S>(leaf: &Leaf, draft: &Draft<S>) -> Result<(), LintError> {
    let (meant, terms) = (&draft.content, draft.terms);
    for (what, is_as_meant) in [
        ("name", leaf.content.id == meant.id),
        ("label", leaf.content.label == meant.label),
        ("node", leaf.content.node == meant.node),
        ("instance", leaf.content.instance == meant.instance),
        ("key", leaf.key == draft.key.digest()),
        ("serial number", leaf.serial == terms.serial),
        ("validity", (leaf.not_before, leaf.not_after) == (terms.not_before, terms.not_after)),
    ] {
        if !is_as_meant {
            return Err(LintError::NotAsMeant { what });
        }
    }
    Ok(())
}

fn check_issuer<S: Scope>(leaf: &Leaf, key: &IssuingKey<S>) -> Result<(), LintError> {
    let id = || leaf.content.id.clone();
    if leaf.content.id.trust_domain() != key.trust_domain() {
        return Err(LintError::TrustDomain { id: id(), expected: key.trust_domain().clone() });
    }
    // The type of the draft says so already; this is what the verifier will look at.
    if !S::SCOPE.includes(PurposeKind::of(&leaf.purpose)) {
        return Err(LintError::OutOfScope { id: id(), scope: S::SCOPE });
    }
    if leaf.not_after > key.not_after() {
        return Err(LintError::OutlivesIssuer { not_after: leaf.not_after, issuer_ends: key.not_after() });
    }
    Ok(())
}

/// The part of a certificate that its signature covers.
pub(crate) fn to_be_signed(certificate: &[u8]) -> Option<Vec<u8>> {
    let (rest, certificate) = X509Certificate::from_der(certificate).ok()?;
    rest.is_empty().then(|| certificate.tbs_certificate.as_ref().to_vec())
}

#[cfg(test)]
mod tests;
