//! The one signature: it takes what was linted, once, and gives a certificate that says exactly that.

use bulkhead_identity::Leaf;
use bulkhead_mesh::{Credential, SpkiDigest};
use rustls_pki_types::CertificateDer;

use crate::authority::{IssuingKey, Scope};
use crate::lint::{Linted, Rehearsed, to_be_signed};

/// A leaf that was signed; put it on record before it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    intermediate: CertificateDer<'static>,
    leaf: Leaf,
    issuer: SpkiDigest,
}

/// Signs what was linted for this key.
pub fn sign<S: Scope>(linted: Linted<S>, key: &IssuingKey<S>) -> Result<Certificate, SignError> {
    let Rehearsed { parameters, key: subject, leaf, to_be_signed: rehearsed, issuer } = linted.into_rehearsed();
    if issuer != key.digest() {
        return Err(SignError::OtherIssuer { linted_for: issuer, key: key.digest() });
    }
    let der = CertificateDer::from(parameters.signed_by(&subject, &key.issuer)?);
    if to_be_signed(&der) != Some(rehearsed) {
        return Err(SignError::NotAsLinted);
    }
    Ok(Certificate { der, intermediate: key.certificate().clone(), leaf, issuer })
}

impl Certificate {
    /// The leaf alone, in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// What its holder shows: the leaf, then the intermediate; never the root.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.der.clone(), self.intermediate.clone()]
    }

    /// What it says.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// SHA-256 of the public key that it certifies.
    pub fn key(&self) -> SpkiDigest {
        self.leaf.key
    }

    /// What a cutoff looks at in it.
    pub fn credential(&self) -> Credential {
        let leaf = &self.leaf;
        Credential {
            id: leaf.content.id.clone(),
            node: leaf.content.node.clone(),
            instance: leaf.content.instance,
            serial: leaf.serial,
            issuer: self.issuer,
            issued_at: leaf.issued_at(),
            not_after: leaf.not_after,
        }
    }
}

/// Why nothing was signed, or what was signed was thrown away.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum SignError {
    #[error("the certificate was linted for the issuer {linted_for}, not for {key}")]
    OtherIssuer { linted_for: SpkiDigest, key: SpkiDigest },
    #[error("the signature failed")]
    Sign(#[from] rcgen::Error),
    #[error("the signed certificate is not the one that was linted, and was thrown away")]
    NotAsLinted,
}
