//! The CA's side: the history of facts as its store holds it, and one cursor into it per watcher.

mod error;
mod settings;
mod snapshot;
mod subscription;
#[cfg(test)]
mod tests;
mod welcome;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bulkhead_mesh::Timestamp;

pub use error::LogError;
pub use settings::Settings;
pub(super) use snapshot::FactsDigest;
pub use snapshot::Snapshot;
pub use subscription::{AcknowledgeError, Acknowledged, Ended, Next, Subscription};
pub use welcome::{Regression, WelcomeError, Welcomed};

use super::{Incarnation, Position, SignedFact, Statement};

/// One history of facts: where it stands, what is in force, and the last facts for those who were away shortly.
#[derive(Debug)]
pub struct Log {
    settings: Settings,
    head: Position,
    /// What a snapshot says, by n: the last policy, the last issuers, every cutoff whose bound has not passed.
    in_force: BTreeMap<u64, Arc<SignedFact>>,
    policy: Option<u64>,
    issuers: Option<u64>,
    bounds: BTreeSet<(Timestamp, u64)>,
    /// The last facts without a gap, ending at the head.
    recent: VecDeque<Arc<SignedFact>>,
    /// The snapshot at the head, if somebody has needed it since the last change.
    snapshot: Option<Arc<Snapshot>>,
}

impl Log {
    /// A history without any fact.
    pub fn new(incarnation: Incarnation, settings: Settings) -> Self {
        Self {
            settings,
            head: Position::start(incarnation),
            in_force: BTreeMap::new(),
            policy: None,
            issuers: None,
            bounds: BTreeSet::new(),
            recent: VecDeque::new(),
            snapshot: None,
        }
    }

    /// The history that stands at `head`, from the facts that a store still has: rising, all that is in force among
    /// them; what has been superseded or has expired may be missing.
    pub fn load(
        head: Position,
        facts: impl IntoIterator<Item = SignedFact>,
        settings: Settings,
    ) -> Result<Self, LogError> {
        let mut log = Self::new(head.incarnation, settings);
        for fact in facts {
            if fact.position() > head {
                return Err(LogError::BeyondHead { head, found: fact.position() });
            }
            log.take(fact)?;
        }
        if log.head != head {
            log.recent.clear();
        }
        log.head = head;
        Ok(log)
    }

    /// Shows another certificate of the same feed key from here on, before the last one ends.
    pub fn show_chain(&mut self, feed_chain: Vec<Vec<u8>>) {
        self.settings.feed_chain = feed_chain;
    }

    /// Where the history stands.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Adds the fact that was signed for the position after the head.
    pub fn append(&mut self, fact: SignedFact) -> Result<(), LogError> {
        if !self.head.precedes(fact.position()) {
            return Err(LogError::Order { head: self.head, found: fact.position() });
        }
        self.take(fact)
    }

    /// All that is in force, in the order in which it was said. Whoever begins another history signs these again.
    pub fn in_force(&self) -> impl Iterator<Item = &SignedFact> {
        self.in_force.values().map(AsRef::as_ref)
    }

    /// Leaves out of snapshots the cutoffs whose bound has passed. How many.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        let living = self.bounds.split_off(&(now, 0));
        let passed = std::mem::replace(&mut self.bounds, living);
        for (_, n) in &passed {
            self.in_force.remove(n);
        }
        if !passed.is_empty() {
            self.snapshot = None;
        }
        passed.len()
    }

    /// The fact at `n` of this history, if it is one of the last.
    fn delta(&self, n: u64) -> Option<&Arc<SignedFact>> {
        let first = self.recent.front()?.position().n;
        self.recent.get(usize::try_from(n.checked_sub(first)?).ok()?)
    }

    /// Whether every fact after `n` is still there to be sent.
    fn has_deltas_after(&self, n: u64) -> bool {
        n == self.head.n || n.checked_add(1).is_some_and(|next| self.delta(next).is_some())
    }

    fn take(&mut self, fact: SignedFact) -> Result<(), LogError> {
        let position = fact.position();
        if position.incarnation != self.head.incarnation || position <= self.head {
            return Err(LogError::Order { head: self.head, found: position });
        }
        let statement = Statement::decode(&fact, &self.settings.limits)
            .map_err(|source| LogError::Statement { position, source })?;
        self.enforce(position.n, &statement);
        self.keep(Arc::new(fact));
        self.snapshot = None;
        Ok(())
    }

    /// Notes what the fact at `n` supersedes and until when it is in force.
    fn enforce(&mut self, n: u64, statement: &Statement) {
        let superseded = match statement {
            Statement::Policy(_) => self.policy.replace(n),
            Statement::Issuers(_) => self.issuers.replace(n),
            Statement::Cutoff(cutoff) => {
                self.bounds.insert((cutoff.bound, n));
                None
            }
        };
        superseded.and_then(|n| self.in_force.remove(&n));
    }

    fn keep(&mut self, fact: Arc<SignedFact>) {
        if !self.head.precedes(fact.position()) {
            self.recent.clear();
        }
        self.head = fact.position();
        self.in_force.insert(fact.position().n, Arc::clone(&fact));
        self.recent.push_back(fact);
        if self.recent.len() > self.settings.recent {
            self.recent.pop_front();
        }
    }
}
