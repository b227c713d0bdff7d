//! A certificate that was asked for: what the answer must be before it is used or kept.

use std::fmt;

use bulkhead_identity::keys::{KeyError, PrivateKey, StoredIdentity};
use bulkhead_identity::{CertificateError, Limits, key_digest};
use bulkhead_mesh::{SpiffeId, Timestamp};
use rustls_pki_types::CertificateDer;

use crate::leaf::{Leaf, LeafError};

/// A key, the chain for exactly this key, and what its leaf says.
#[derive(Clone)]
pub struct Certified {
    identity: StoredIdentity,
    leaf: Leaf,
}

impl Certified {
    /// Takes what was kept or answered when it is for `expected` and for the key beside it.
    pub fn new(identity: StoredIdentity, expected: &SpiffeId) -> Result<Self, CertifiedError> {
        let der = identity.chain.first().ok_or(CertifiedError::Empty)?;
        let leaf = Leaf::read(der)?;
        if leaf.id != *expected {
            return Err(CertifiedError::AnotherName { expected: expected.clone(), found: leaf.id });
        }
        if key_digest(der, &Limits::default())? != identity.key.digest() {
            return Err(CertifiedError::AnotherKey { id: leaf.id });
        }
        Ok(Self { identity, leaf })
    }

    /// Takes an answer, which must also be valid now: a CA whose clock is wrong is to be seen at once.
    pub fn fresh(
        key: PrivateKey,
        chain: Vec<CertificateDer<'static>>,
        expected: &SpiffeId,
        now: Timestamp,
    ) -> Result<Self, CertifiedError> {
        let certified = Self::new(StoredIdentity { key, chain }, expected)?;
        let Leaf { not_before, not_after, .. } = certified.leaf;
        if (not_before..=not_after).contains(&now) {
            Ok(certified)
        } else {
            Err(CertifiedError::NotValid { not_before, not_after, now })
        }
    }

    /// The key and the chain, as they are kept.
    pub fn identity(&self) -> &StoredIdentity {
        &self.identity
    }

    /// The certificates, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.identity.chain
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.identity.key
    }

    /// For whom it is and how long.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.leaf.fmt(f)
    }
}

/// Why a certificate cannot be asked for or is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CertifiedError {
    #[error("the key cannot be used")]
    Key(#[from] KeyError),
    #[error("the chain is empty")]
    Empty,
    #[error("the certificate cannot be read")]
    Leaf(#[from] LeafError),
    #[error("the certificate is not one")]
    Certificate(#[from] CertificateError),
    #[error("the certificate is for {found}, not for {expected}")]
    AnotherName { expected: SpiffeId, found: SpiffeId },
    #[error("the certificate of {id} is for another key")]
    AnotherKey { id: SpiffeId },
    #[error("the certificate is valid from {not_before} to {not_after}, and it is {now} here")]
    NotValid { not_before: Timestamp, not_after: Timestamp, now: Timestamp },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{chain_for, id};

    const NOW: Timestamp = Timestamp::from_secs(1000);
    const LATER: Timestamp = Timestamp::from_secs(2000);

    #[test]
    fn a_certificate_for_another_name_is_refused() {
        let key = PrivateKey::generate().unwrap();
        let chain = chain_for(&key, &id("/node/n1"), NOW, LATER);
        let error = Certified::fresh(key, chain, &id("/node/n2"), NOW).unwrap_err();
        assert!(matches!(error, CertifiedError::AnotherName { .. }), "{error}");
    }

    #[test]
    fn a_certificate_for_another_key_is_refused() {
        let chain = chain_for(&PrivateKey::generate().unwrap(), &id("/node/n1"), NOW, LATER);
        let error = Certified::fresh(PrivateKey::generate().unwrap(), chain, &id("/node/n1"), NOW).unwrap_err();
        assert!(matches!(error, CertifiedError::AnotherKey { .. }), "{error}");
    }

    #[test]
    fn an_answer_that_is_not_valid_now_is_refused() {
        for (now, accepted) in [(999, false), (1000, true), (2000, true), (2001, false)] {
            let key = PrivateKey::generate().unwrap();
            let chain = chain_for(&key, &id("/node/n1"), NOW, LATER);
            let found = Certified::fresh(key, chain, &id("/node/n1"), Timestamp::from_secs(now));
            assert_eq!(found.is_ok(), accepted, "{now}");
        }
    }

    #[test]
    fn an_answer_without_a_certificate_is_refused() {
        let key = PrivateKey::generate().unwrap();
        let error = Certified::fresh(key, Vec::new(), &id("/node/n1"), NOW).unwrap_err();
        assert!(matches!(error, CertifiedError::Empty), "{error}");
    }
}
