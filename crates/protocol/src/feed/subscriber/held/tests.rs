//! What is written to a disk and read back, and what is not believed of it.

use bulkhead_mesh::{Policy, SpkiDigest};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::feed::testing::{at, cutoff, signer};
use crate::feed::{FeedSigner, FeedVerifier, Incarnation};

fn statements() -> Vec<Statement> {
    let mut issuers = BTreeSet::new();
    issuers.insert(SpkiDigest::from_bytes([1; 32]));
    let cutoffs = [("n1", 9), ("n1", 12), ("n1", 4), ("n2", 5)];
    let cutoffs = cutoffs.map(|(node, bound)| Statement::Cutoff(cutoff(node, bound)));
    [Statement::Policy(Arc::new(Policy::default())), Statement::Issuers(Arc::new(issuers))]
        .into_iter()
        .chain(cutoffs)
        .collect()
}

fn held() -> Held {
    let mut held = Held::default();
    held.trust(vec![vec![1], vec![2]], &Limits::default());
    for (statement, n) in statements().into_iter().zip(1..) {
        held.apply(signer().fact(at(n), &statement).unwrap(), statement, &Limits::default()).unwrap();
    }
    held.hear(Timestamp::from_secs(3));
    held
}

fn restore(bytes: &[u8], signer: &FeedSigner) -> Result<Held, RestoreError> {
    Stored::read(bytes)?.verify(&signer.verifier().unwrap(), &Limits::default())
}

#[test]
fn what_is_stored_is_restored_with_its_signatures() {
    let held = held();
    let bytes = held.to_bytes();
    assert_eq!(Stored::read(&bytes).unwrap().feed_chains(), [vec![vec![1], vec![2]]]);
    assert_eq!(Stored::read(&bytes).unwrap().heard(), Timestamp::from_secs(3));
    assert_eq!(restore(&bytes, signer()).unwrap(), held);
    let empty = Held::default();
    assert_eq!(restore(&empty.to_bytes(), signer()).unwrap(), empty);
}

#[test]
fn what_another_key_signed_is_not_restored() {
    let other = crate::feed::testing::other_signer();
    let error = restore(&held().to_bytes(), &other).unwrap_err();
    assert!(matches!(error, RestoreError::BadSignature(_)) && !error.is_damage());
}

#[test]
fn facts_of_an_earlier_key_are_restored_by_both_keys() {
    let mut held = held();
    let other = crate::feed::testing::other_signer();
    let position = Position { incarnation: Incarnation::new(2), n: 1 };
    let statement = Statement::Cutoff(cutoff("n3", 30));
    held.apply(other.fact(position, &statement).unwrap(), statement, &Limits::default()).unwrap();
    assert!(restore(&held.to_bytes(), &other).is_err());
    let both = FeedVerifier::any_of([signer().verifier().unwrap(), other.verifier().unwrap()]);
    assert_eq!(Stored::read(&held.to_bytes()).unwrap().verify(&both, &Limits::default()).unwrap(), held);
}

#[test]
fn a_fact_beyond_the_stored_position_is_not_restored() {
    let rewound = Held { position: Some(at(5)), ..held() };
    assert!(matches!(restore(&rewound.to_bytes(), signer()), Err(RestoreError::BeyondPosition { .. })));
}

#[test]
fn the_oldest_chains_are_forgotten() {
    let limits = Limits { feed_chains: 2, ..Limits::default() };
    let mut held = Held::default();
    for chain in [1, 2, 1, 3] {
        held.trust(vec![vec![chain]], &limits);
    }
    assert_eq!(held.feed_chains, [vec![vec![1]], vec![vec![3]]]);
}

#[test]
fn the_fact_that_binds_longest_proves_a_cutoff() {
    let mut held = held();
    assert_eq!((held.evidence.facts().count(), held.cutoffs.len()), (2, 2));
    assert!(!held.hear(Timestamp::from_secs(5)));
    assert!(held.hear(Timestamp::from_secs(6)));
    assert_eq!((held.evidence.facts().count(), held.cutoffs.len()), (1, 1));
    assert!(!held.hear(Timestamp::from_secs(12)));
    assert!(held.hear(Timestamp::from_secs(13)));
    assert!(held.cutoffs.is_empty());
}

#[test]
fn a_cutoff_is_stored_up_to_its_bound() {
    let mut held = Held::default();
    for (n, node, bound) in [(1, "n1", 5), (2, "n2", 6)] {
        let statement = Statement::Cutoff(cutoff(node, bound));
        held.apply(signer().fact(at(n), &statement).unwrap(), statement, &Limits::default()).unwrap();
    }
    assert!(held.hear(Timestamp::from_secs(6)));
    assert_eq!((held.evidence.facts().count(), held.cutoffs.len()), (1, 1));
    assert_eq!(restore(&held.to_bytes(), signer()).unwrap(), held);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        prop_assert!(Stored::read(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed(place: Index, flip in 1..=255_u8) {
        let mut bytes = held().to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(matches!(Stored::read(&bytes), Err(RestoreError::Checksum)));
    }
}
