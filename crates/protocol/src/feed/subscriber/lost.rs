//! Why a stream is no longer believed.

use std::time::Duration;

use crate::convert::StatementError;
use crate::feed::signature::BadSignature;
use crate::feed::{FACTS_1, Incarnation, MissingPosition, Position};

/// Why a stream has ended, or is ended by the subscriber. What it had applied before remains in force.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Lost {
    #[error("the connection to the CA has ended")]
    Disconnected,
    #[error("the CA has not welcomed this watcher within {waited:?}")]
    NoWelcome { waited: Duration },
    #[error("the CA has been silent for {silence:?}")]
    HeartbeatMissed { silence: Duration },
    #[error("the CA does not know `{FACTS_1}`; it knows {capabilities:?}")]
    Incapable { capabilities: Vec<String> },
    #[error("the certificate of the feed key is not believed")]
    FeedChain(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a fact is missing: {held} is held, and {found} was sent")]
    Gap { held: Position, found: Position },
    #[error("a fact was sent again or out of order: {held} is held, and {found} was sent")]
    Replayed { held: Position, found: Position },
    #[error("the CA has gone back to {offered}, but {held} is held: it was restored without beginning another history")]
    Rollback { held: Position, offered: Position },
    #[error("something sent by the CA was not written by it")]
    BadSignature(#[from] BadSignature),
    #[error("the fact at {position} cannot be held to")]
    Unfamiliar { position: Position, source: StatementError },
    #[error("an address cannot be read")]
    Address(#[source] StatementError),
    #[error("an address of history {found} was sent in history {current}", found = .found.number(), current = .current.number())]
    AddressOfOtherHistory { found: Incarnation, current: Incarnation },
    #[error("the snapshot has {received} facts, but not the {said} that its end speaks of")]
    Incomplete { received: u64, said: u64 },
    #[error("the snapshot has more than the {most} facts that are taken")]
    TooManyFacts { most: usize },
    #[error("there are more than the {most} cutoffs that are taken")]
    TooManyCutoffs { most: usize },
    #[error("the CA breaks the protocol")]
    Violation(#[from] Violation),
}

/// What no CA would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Violation {
    #[error("something was sent before the welcome")]
    BeforeWelcome,
    #[error("a second welcome was sent")]
    WelcomedTwice,
    #[error(transparent)]
    Position(#[from] MissingPosition),
    #[error("deltas up to {head} cannot follow what is held")]
    DeltasFromNowhere { head: Position },
    #[error("heartbeats every {interval:?} are out of the range that is taken")]
    HeartbeatInterval { interval: Duration },
    #[error("a heartbeat was sent in the middle of a snapshot")]
    HeartbeatInSnapshot,
    #[error("the end of a snapshot was sent outside of one")]
    EndOfNothing,
    #[error("the snapshot promised at {promised} ends at {found}")]
    OtherSnapshot { promised: Position, found: Position },
    #[error("the snapshot has two policies, or two lists of issuers")]
    SaidTwice,
    #[error("a message of an unknown kind, or with none, was sent")]
    UnknownMessage,
}
