//! Who wrote it: facts, ends of snapshots and addresses are signed when they are written, and verified before they are
//! read.
//!
//! Each kind is signed under a name of its own (`feed.proto` has the layouts), so that a signature over one is never
//! one over another. What was checked is a type: a [`SignedFact`] or a [`SignedBody`] comes from here and nowhere else.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};

use super::{AddressAnswer, Position, Statement};
use crate::v1;

/// Signs what the CA says, with the key of `/control/feed`.
#[derive(Debug)]
pub struct FeedSigner(EcdsaKeyPair);

/// Verifies what the CA says, with one feed key or with several where older facts were signed by earlier ones.
#[derive(Debug)]
pub struct FeedVerifier(Vec<ParsedPublicKey>);

/// A fact whose signature is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedFact {
    position: Position,
    body: Box<[u8]>,
    signature: Box<[u8]>,
}

/// The body of an address whose signature is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBody(Box<[u8]>);

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

impl SignedFact {
    /// Where in the history it stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What it says, encoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The signature, ASN.1 in DER.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The fact as it travels and as it is stored.
    pub fn to_wire(&self) -> v1::Fact {
        let v1::Position { incarnation, n } = self.position.into();
        v1::Fact { incarnation, n, body: self.body.to_vec(), signature: self.signature.to_vec() }
    }
}

impl SignedBody {
    /// What was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
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

fn fact_input(position: Position, body: &[u8]) -> Vec<u8> {
    [b"bulkhead-fact-v1\0", &position_bytes(position)[..], body].concat()
}

fn snapshot_input(position: Position, facts: u64, digest: &[u8; 32]) -> Vec<u8> {
    [b"bulkhead-snapshot-v1\0", &position_bytes(position)[..], &facts.to_be_bytes(), digest].concat()
}

fn address_input(body: &[u8]) -> Vec<u8> {
    [b"bulkhead-address-v1\0", body].concat()
}

fn position_bytes(position: Position) -> [u8; 16] {
    (u128::from(position.incarnation.number()) << 64 | u128::from(position.n)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::{Cutoff, Subject, Timestamp};
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::feed::Incarnation;

    fn signer() -> FeedSigner {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        FeedSigner(key)
    }

    fn position(n: u64) -> Position {
        Position { incarnation: Incarnation::new(1 << 40), n }
    }

    fn statement() -> Statement {
        let subject = Subject::Node { node: "n1".parse().unwrap(), epoch: bulkhead_mesh::Epoch::FIRST };
        Statement::Cutoff(Cutoff { subject, reason: "stolen".parse().unwrap(), bound: Timestamp::from_secs(9) })
    }

    #[test]
    fn a_signed_fact_is_verified_by_the_signers_key_alone() {
        let (ours, theirs) = (signer(), signer());
        let fact = ours.fact(position(7), &statement()).unwrap();
        assert_eq!(ours.verifier().unwrap().fact(fact.to_wire()), Ok(fact.clone()));
        assert_eq!(theirs.verifier().unwrap().fact(fact.to_wire()), Err(BadSignature { what: "fact" }));
        let both = FeedVerifier::any_of([theirs.verifier().unwrap(), ours.verifier().unwrap()]);
        assert_eq!(both.fact(fact.to_wire()), Ok(fact));
    }

    #[test]
    fn the_layout_is_that_of_the_specification() {
        let input = fact_input(Position { incarnation: Incarnation::new(0x0102), n: 3 }, b"body");
        assert_eq!(input, b"bulkhead-fact-v1\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x03body");
        let end = snapshot_input(Position { incarnation: Incarnation::new(1), n: 2 }, 3, &[9; 32]);
        assert_eq!(end[..21], *b"bulkhead-snapshot-v1\0");
        assert_eq!((end.len(), end[28], end[36], end[44]), (21 + 24 + 32, 1, 2, 3));
        assert_eq!(address_input(b"x"), b"bulkhead-address-v1\0x");
    }

    #[test]
    fn a_signature_counts_for_its_own_kind_only() {
        let signer = signer();
        let verifier = signer.verifier().unwrap();
        let fact = signer.fact(position(7), &statement()).unwrap();
        let body = [&position_bytes(position(7))[..], fact.body()].concat();
        for body in [fact.body().to_vec(), body] {
            let address = v1::SignedAddress { body, signature: fact.signature().to_vec() };
            assert!(verifier.address(address).is_err());
        }
        assert!(verifier.snapshot_end(position(7), 1, &[0; 32], fact.signature()).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(FeedSigner::from_pkcs8(b"").map(|_| ()), Err(KeyError::Private));
        assert_eq!(FeedVerifier::new(&[4; 65]).map(|_| ()), Err(KeyError::Public));
    }

    proptest! {
        #[test]
        fn any_changed_byte_breaks_the_signature(place: Index, flip in 1..=255_u8) {
            let signer = signer();
            let fact = signer.fact(position(7), &statement()).unwrap().to_wire();
            let mut signed = [&position_bytes(position(7))[..], &fact.body].concat();
            signed[place.index(fact.body.len() + 16)] ^= flip;
            let field = |at: usize| u64::from_be_bytes(signed[at..at + 8].try_into().unwrap());
            let changed = v1::Fact { incarnation: field(0), n: field(8), body: signed[16..].to_vec(), ..fact };
            prop_assert!(signer.verifier().unwrap().fact(changed).is_err());
        }
    }
}
