//! What this process shows of itself: its chain, and the key that proves it.

use std::sync::Arc;

use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::keys::PrivateKey;

/// A chain whose leaf certifies the key beside it.
#[derive(Clone, Debug)]
pub struct OwnIdentity(Arc<CertifiedKey>);

impl OwnIdentity {
    /// Joins a chain (leaf first, root left out) and its leaf's key.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: &PrivateKey) -> Result<Self, OwnIdentityError> {
        if chain.is_empty() {
            return Err(OwnIdentityError::NoCertificate);
        }
        let der = PrivatePkcs8KeyDer::from(key.as_pkcs8().to_vec()).into();
        let key = rustls::crypto::aws_lc_rs::default_provider().key_provider.load_private_key(der);
        let certified = CertifiedKey::new(chain, key.map_err(OwnIdentityError::Key)?);
        certified.keys_match().map_err(OwnIdentityError::NotItsKey)?;
        Ok(Self(Arc::new(certified)))
    }

    /// The chain, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.0.clone()))
    }
}

/// Why a chain and a key cannot be shown to a peer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum OwnIdentityError {
    #[error("the own chain holds no certificate")]
    NoCertificate,
    #[error("the own key cannot be used")]
    Key(#[source] rustls::Error),
    #[error("the own certificate cannot be read, or certifies another key than the one beside it")]
    NotItsKey(#[source] rustls::Error),
}
