//! Who wrote it: facts, ends of snapshots and addresses are signed when they are written, and verified before they are
//! read.
//!
//! Each kind is signed under a name of its own (`feed.proto` has the layouts), so that a signature over one is never
//! one over another. What was checked is a type: a [`SignedFact`] or a [`SignedBody`] comes from here and nowhere else.

mod input;
mod signed;
#[cfg(test)]
mod tests;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};

pub use signed::{SignedBody, SignedFact};

use self::input::{address_input, fact_input, snapshot_input};
use super::{AddressAnswer, Position, Statement};
use crate::v1;

/// Signs what the CA says, with the key of `/control/feed`.
#[derive(Debug)]
pub struct FeedSigner(EcdsaKeyPair);

/// Verifies what the CA says, with one feed key or with several where older facts were signed by earlier ones.
#[derive(Debug)]
pub struct FeedVerifier(Vec<ParsedPublicKey>);

impl FeedSigner {
    /// The signer with this P-256 key, PKCS #8 in DER.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Self).map_err(|_| KeyError::Private)
    }

    /// The verifier of what this signer signs.
    pub fn verifier(&self) -> Result<FeedVerifier, KeyError> {
        FeedVerifier::new(self.0.public_key().as_ref())
    }

    /// Signs a statement as the fact at this position.
    pub fn fact(&self, position: Position, statement: &Statement) -> Result<SignedFact, SignError> {
        self.fact_of_bytes(position, &statement.encode())
    }

    pub(super) fn fact_of_bytes(&self, position: Position, body: &[u8]) -> Result<SignedFact, SignError> {
        let signature = self.sign(&fact_input(position, body))?;
        Ok(SignedFact { position, body: body.into(), signature })
    }

    /// Signs what stands at an address.
    pub fn address(&self, answer: &AddressAnswer) -> Result<v1::SignedAddress, SignError> {
        self.address_of_bytes(answer.encode())
    }

    pub(super) fn address_of_bytes(&self, body: Vec<u8>) -> Result<v1::SignedAddress, SignError> {
        let signature = self.sign(&address_input(&body))?.into_vec();
        Ok(v1::SignedAddress { body, signature })
    }

    /// Signs the end of a snapshot: so many facts, with this SHA-256 over their signatures, are all that is in force.
    pub fn snapshot_end(&self, position: Position, facts: u64, digest: [u8; 32]) -> Result<v1::SnapshotEnd, SignError> {
        let signature = self.sign(&snapshot_input(position, facts, &digest))?.into_vec();
        Ok(v1::SnapshotEnd { position: Some(position.into()), facts, digest: digest.to_vec(), signature })
    }

    fn sign(&self, input: &[u8]) -> Result<Box<[u8]>, SignError> {
        // The library draws the nonce itself and takes the generator for the sake of the interface only.
        let signature = self.0.sign(&SystemRandom::new(), input).map_err(|_| SignError)?;
        Ok(signature.as_ref().into())
    }
}

impl FeedVerifier {
    /// The verifier with this P-256 key: a SubjectPublicKeyInfo in DER, or the bare uncompressed point.
    ///
    /// Whose key it is has been decided before: it must come from a certificate verified for `/control/feed`.
    pub fn new(public_key: &[u8]) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key).map_err(|_| KeyError::Public)?;
        Ok(Self(vec![key]))
    }

    /// A verifier that accepts what one of these accepts.
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Self {
        Self(verifiers.into_iter().flat_map(|verifier| verifier.0).collect())
    }

    /// The fact, if its signature is good.
    pub fn fact(&self, fact: v1::Fact) -> Result<SignedFact, BadSignature> {
        let v1::Fact { incarnation, n, body, signature } = fact;
        let position = v1::Position { incarnation, n }.into();
        self.check("fact", &fact_input(position, &body), &signature)?;
        Ok(SignedFact { position, body: body.into(), signature: signature.into() })
    }

    /// The body of an address, if its signature is good.
    pub fn address(&self, address: v1::SignedAddress) -> Result<SignedBody, BadSignature> {
        self.check("address", &address_input(&address.body), &address.signature)?;
        Ok(SignedBody(address.body.into()))
    }

    /// Checks the end of a snapshot that the caller has added up itself: its position, its facts and their digest.
    pub fn snapshot_end(
        &self,
        position: Position,
        facts: u64,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        self.check("end of a snapshot", &snapshot_input(position, facts, digest), signature)
    }

    fn check(&self, what: &'static str, input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let good = self.0.iter().any(|key| key.verify_sig(input, signature).is_ok());
        good.then_some(()).ok_or(BadSignature { what })
    }
}

/// A signature is not the feed key's over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature of the {what} is not the feed key's")]
pub struct BadSignature {
    what: &'static str,
}

/// Why bytes are not a key of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum KeyError {
    #[error("the feed's private key is not a P-256 key in PKCS #8")]
    Private,
    #[error("the feed's public key is not a P-256 key")]
    Public,
}

/// The cryptographic library could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed key could not sign")]
pub struct SignError;
