//! A private key in memory.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use super::KeyError;
use crate::pem;

/// A P-256 private key, as PKCS#8 DER; its memory is overwritten when it is dropped, and `Debug` does not print it.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// A new key, of the operating system's random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        document.map(|document| Self(Zeroizing::new(document.as_ref().to_vec()))).map_err(|_| KeyError::Generate)
    }

    /// The key that this PKCS#8 DER is.
    pub fn from_pkcs8(der: Vec<u8>) -> Result<Self, KeyError> {
        let der = Zeroizing::new(der);
        match EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der) {
            Ok(_) => Ok(Self(der)),
            Err(_) => Err(KeyError::NotP256),
        }
    }

    /// The key as PKCS#8 DER. A copy of these bytes is not overwritten by anybody but its owner.
    pub fn as_pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::private_key(&self.0)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
