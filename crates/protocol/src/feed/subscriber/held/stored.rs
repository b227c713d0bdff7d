//! What is held, as bytes on a disk, and the way back, which verifies every signature again.

use aws_lc_rs::digest::{Context, SHA256};
use bulkhead_mesh::Timestamp;
use prost::Message;

use super::Held;
use crate::convert::StatementError;
use crate::feed::signature::BadSignature;
use crate::feed::subscriber::Lost;
use crate::feed::{FeedVerifier, Limits, Position, Statement};
use crate::v1;

/// What was read from a disk and is not yet believed.
#[derive(Debug)]
pub struct Stored {
    state: State,
    feed_chains: Vec<Vec<Vec<u8>>>,
}

impl Held {
    /// Everything that is held, with its signatures, behind a checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = self.to_state().encode_to_vec();
        [&checksum(&state)[..], &state].concat()
    }

    fn to_state(&self) -> State {
        let policy = self.policy.iter().map(|proved| proved.fact.as_ref());
        let issuers = self.issuers.iter().map(|proved| proved.fact.as_ref());
        let facts = policy.chain(issuers).chain(self.evidence.facts());
        State {
            position: self.position.map(Into::into),
            heard_millis: self.heard.as_millis(),
            facts: facts.map(crate::feed::SignedFact::to_wire).collect(),
            feed_chains: self.feed_chains.iter().map(|chain| Chain { certificates: chain.clone() }).collect(),
        }
    }
}

impl Stored {
    /// Reads what [`Held::to_bytes`] has written.
    pub fn read(bytes: &[u8]) -> Result<Self, RestoreError> {
        let (sum, state) = bytes.split_at_checked(CHECKSUM).ok_or(RestoreError::Checksum)?;
        if sum != checksum(state) {
            return Err(RestoreError::Checksum);
        }
        let mut state = State::decode(state)?;
        let feed_chains = std::mem::take(&mut state.feed_chains).into_iter().map(|chain| chain.certificates).collect();
        Ok(Self { state, feed_chains })
    }

    /// The chains, each leaf first in DER, by whose keys the facts are to be verified: the caller verifies them for
    /// `/control/feed` and makes a verifier of those that pass ([`FeedVerifier::any_of`]).
    pub fn feed_chains(&self) -> &[Vec<Vec<u8>>] {
        &self.feed_chains
    }

    /// The latest time that the CA had said; as little believed as the rest, and worth no more than the machine's clock.
    pub fn heard(&self) -> Timestamp {
        Timestamp::from_millis(self.state.heard_millis)
    }

    /// What is held, if every fact was signed by one of these keys. A single bad one spoils all: it is not known what
    /// else was changed.
    pub fn verify(self, verifier: &FeedVerifier, limits: &Limits) -> Result<Held, RestoreError> {
        let Self { state: State { position, heard_millis, facts, .. }, feed_chains } = self;
        let position = position.map(Position::from);
        let mut held = Held { feed_chains, heard: Timestamp::from_millis(heard_millis), ..Held::default() };
        for fact in facts {
            hold(&mut held, fact, position, verifier, limits)?;
        }
        held.position = position;
        Ok(held)
    }
}

fn hold(
    held: &mut Held,
    fact: v1::Fact,
    position: Option<Position>,
    verifier: &FeedVerifier,
    limits: &Limits,
) -> Result<(), RestoreError> {
    let fact = verifier.fact(fact)?;
    let found = fact.position();
    if position.is_none_or(|position| found > position) {
        return Err(RestoreError::BeyondPosition { found });
    }
    let statement =
        Statement::decode(&fact, limits).map_err(|source| RestoreError::Statement { position: found, source })?;
    held.apply(fact, statement, limits).map(|_| ()).map_err(RestoreError::Limit)
}

fn checksum(state: &[u8]) -> [u8; CHECKSUM] {
    let mut context = Context::new(&SHA256);
    context.update(b"bulkhead-held-v1\0");
    context.update(state);
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

const CHECKSUM: usize = 32;

/// The state on a disk: this software reads it back, nobody else.
#[derive(Clone, PartialEq, Message)]
struct State {
    #[prost(message, optional, tag = "1")]
    position: Option<v1::Position>,
    #[prost(uint64, tag = "2")]
    heard_millis: u64,
    #[prost(message, repeated, tag = "3")]
    facts: Vec<v1::Fact>,
    #[prost(message, repeated, tag = "4")]
    feed_chains: Vec<Chain>,
}

#[derive(Clone, PartialEq, Message)]
struct Chain {
    #[prost(bytes = "vec", repeated, tag = "1")]
    certificates: Vec<Vec<u8>>,
}

/// Why what is on the disk is not believed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RestoreError {
    #[error("the stored state is damaged, or is not one")]
    Checksum,
    #[error("the stored state is not protobuf")]
    Wire(#[from] prost::DecodeError),
    #[error("a stored fact was not written by the CA")]
    BadSignature(#[from] BadSignature),
    #[error("the stored state has a fact at {found}, beyond its own position")]
    BeyondPosition { found: Position },
    #[error("the stored fact at {position} cannot be read")]
    Statement { position: Position, source: StatementError },
    #[error("the stored state goes over a limit")]
    Limit(#[source] Lost),
}

impl RestoreError {
    /// Whether the bytes themselves are spoilt. Otherwise they may be believed yet: by another clock, with another root,
    /// by another version.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Checksum | Self::Wire(_))
    }
}
