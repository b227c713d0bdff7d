//! What a watcher that introduces itself is told, and from where its facts begin.

use std::time::Duration;

use super::{Log, Subscription};
use crate::feed::{FACTS_1, FeedSigner, Position, signature::SignError};
use crate::v1;

/// The CA's answer to a watcher.
#[derive(Debug)]
pub struct Welcomed {
    /// The first message to send.
    pub welcome: v1::Welcome,
    /// Where all others come from.
    pub subscription: Subscription,
    /// The watcher knows a future that this CA does not remember.
    pub regression: Option<Regression>,
}

/// A watcher holds facts, with good signatures as far as it can tell, that this log never had or no longer has: the CA
/// was restored from a backup and did not begin another history.
///
/// The watcher will refuse what it is sent and stay where it is. The CA must read the cutoffs back, begin a history
/// with a higher number, and issue nothing until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a watcher holds {claimed}, but the log ends at {head}: this CA was restored from an older state")]
pub struct Regression {
    /// What the watcher holds.
    pub claimed: Position,
    /// Where the log stands.
    pub head: Position,
}

/// Why a watcher is not welcomed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum WelcomeError {
    #[error("the watcher does not know `{FACTS_1}`; its version is {version:?}")]
    Incapable { version: String },
    #[error("the snapshot could not be signed")]
    Sign(#[from] SignError),
}

impl Log {
    /// Welcomes a watcher: with the facts after those that it holds where they are still there, else with a snapshot.
    pub fn welcome(&mut self, hello: &v1::Hello, signer: &FeedSigner) -> Result<Welcomed, WelcomeError> {
        if !hello.capabilities.iter().any(|capability| capability == FACTS_1) {
            return Err(WelcomeError::Incapable { version: hello.version.chars().take(VERSION_SHOWN).collect() });
        }
        let holds = hello.holds.map(Position::from);
        let resumed = holds.filter(|held| self.can_resume(*held));
        let subscription = match resumed {
            Some(held) => Subscription::resumed(held, self.settings.heartbeat),
            None => Subscription::afresh(self.snapshot(signer)?, self.past(holds), self.settings.heartbeat),
        };
        let regression = holds.filter(|held| *held > self.head);
        let regression = regression.map(|claimed| Regression { claimed, head: self.head });
        Ok(Welcomed { welcome: self.greeting(resumed.is_none()), subscription, regression })
    }

    fn can_resume(&self, held: Position) -> bool {
        held.incarnation == self.head.incarnation && held <= self.head && self.has_deltas_after(held.n)
    }

    /// What a watcher holds, if it is a past of this log: that much it may acknowledge before it is sent anything.
    fn past(&self, holds: Option<Position>) -> Position {
        let ours = holds.filter(|held| held.incarnation == self.head.incarnation && *held <= self.head);
        ours.unwrap_or(Position::start(self.head.incarnation))
    }

    fn greeting(&self, snapshot: bool) -> v1::Welcome {
        v1::Welcome {
            capabilities: vec![FACTS_1.to_owned()],
            feed_chain: self.settings.feed_chain.clone(),
            heartbeat_millis: whole_millis(self.settings.heartbeat),
            head: Some(self.head.into()),
            snapshot,
        }
    }
}

fn whole_millis(interval: Duration) -> u32 {
    u32::try_from(interval.as_millis()).unwrap_or(u32::MAX)
}

/// A watcher's version is its own claim: no more of it than this goes into an error.
const VERSION_SHOWN: usize = 64;
