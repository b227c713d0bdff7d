//! Which signature counts for what.

use bulkhead_mesh::{Cutoff, Subject, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::input::position_bytes;
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
