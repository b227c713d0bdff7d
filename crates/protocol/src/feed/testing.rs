//! What the tests of this crate sign, and with which key.

use std::sync::OnceLock;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use bulkhead_mesh::{Cutoff, Epoch, Subject, Timestamp};

use super::{FeedSigner, Incarnation, Position, SignedBody, SignedFact, Statement};

/// The one signer of a test run.
pub(crate) fn signer() -> &'static FeedSigner {
    static SIGNER: OnceLock<FeedSigner> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        FeedSigner::from_pkcs8(key.to_pkcs8v1().unwrap().as_ref()).unwrap()
    })
}

/// A point in history 1.
pub(crate) fn at(n: u64) -> Position {
    Position { incarnation: Incarnation::new(1), n }
}

/// The first epoch of a node, cut off until `bound` seconds after 1970.
pub(crate) fn cutoff(node: &str, bound: u64) -> Cutoff {
    let subject = Subject::Node { node: node.parse().unwrap(), epoch: Epoch::FIRST };
    Cutoff { subject, reason: "stolen".parse().unwrap(), bound: Timestamp::from_secs(bound) }
}

/// Such a cutoff as the fact at `n` of history 1.
pub(crate) fn cutoff_fact(n: u64, node: &str, bound: u64) -> SignedFact {
    signer().fact(at(n), &Statement::Cutoff(cutoff(node, bound))).unwrap()
}

/// These bytes as the body of a fact with a good signature.
pub(crate) fn signed(body: &[u8]) -> SignedFact {
    signer().fact_of_bytes(at(1), body).unwrap()
}

/// These bytes as the body of an address with a good signature.
pub(crate) fn signed_address(body: &[u8]) -> SignedBody {
    let wire = signer().address_of_bytes(body.to_vec()).unwrap();
    signer().verifier().unwrap().address(wire).unwrap()
}

/// A signer whose key nobody trusts.
pub(crate) fn other_signer() -> FeedSigner {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    FeedSigner::from_pkcs8(key.to_pkcs8v1().unwrap().as_ref()).unwrap()
}
