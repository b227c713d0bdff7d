//! A private key in memory.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bulkhead_mesh::SpkiDigest;
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

    /// Its public half, as the DER of a SubjectPublicKeyInfo (RFC 5480, the curve named).
    pub fn public_key_info(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.pair().public_key().as_der().expect("a public key on P-256 has this form");
        der.as_ref().to_vec()
    }

    /// The digest that names it: SHA-256 of its SubjectPublicKeyInfo.
    pub fn digest(&self) -> SpkiDigest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &self.public_key_info()).as_ref());
        SpkiDigest::from_bytes(bytes)
    }

    /// ECDSA with SHA-256, in ASN.1.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.pair().sign(&SystemRandom::new(), message).map_err(|_| KeyError::Sign)?;
        Ok(signature.as_ref().to_vec())
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.0)
            .expect("what was read once can be read again")
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
