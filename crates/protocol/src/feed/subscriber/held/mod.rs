//! The truth as a subscriber holds it, with the signatures that prove it.

mod evidence;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_mesh::{CutoffSet, Policy, SpkiDigest, Timestamp};

pub use stored::{RestoreError, Stored};

use self::evidence::Evidence;
use super::gathering::Gathered;
use super::{Change, Lost};
use crate::feed::{Limits, Position, SignedFact, Statement};

/// What is true as far as this subscriber knows, and where in the history that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    position: Option<Position>,
    policy: Option<Proved<Policy>>,
    issuers: Option<Proved<BTreeSet<SpkiDigest>>>,
    cutoffs: CutoffSet,
    evidence: Evidence,
    /// The chains whose keys have signed the facts, the latest last.
    feed_chains: Vec<Vec<Vec<u8>>>,
    heard: Timestamp,
}

/// A value and the fact that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved<T> {
    pub(super) value: Arc<T>,
    pub(super) fact: Arc<SignedFact>,
}

impl Held {
    /// Up to where every fact is held; `None` before the first snapshot, when nothing may pass.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The policy; without one nothing may pass.
    pub fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref().map(|proved| &proved.value)
    }

    /// The accepted issuers; without them no peer is believed.
    pub fn issuers(&self) -> Option<&Arc<BTreeSet<SpkiDigest>>> {
        self.issuers.as_ref().map(|proved| &proved.value)
    }

    /// Every cutoff that was ever heard of and whose bound has not passed.
    pub fn cutoffs(&self) -> &CutoffSet {
        &self.cutoffs
    }

    /// The latest time that the CA has said; no time before it is believed.
    pub fn not_before(&self) -> Timestamp {
        self.heard
    }

    /// Holds one more fact.
    pub(super) fn apply(&mut self, fact: SignedFact, statement: Statement, limits: &Limits) -> Result<Change, Lost> {
        let position = fact.position();
        let fact = Arc::new(fact);
        let change = match statement {
            Statement::Policy(value) => {
                self.policy = Some(Proved { value: Arc::clone(&value), fact });
                Change::Policy(value)
            }
            Statement::Issuers(value) => {
                self.issuers = Some(Proved { value: Arc::clone(&value), fact });
                Change::Issuers(value)
            }
            Statement::Cutoff(cutoff) => {
                self.evidence.insert(&cutoff, fact, limits.cutoffs)?;
                self.cutoffs.insert(cutoff.clone());
                Change::Cutoff(cutoff)
            }
        };
        self.position = Some(position);
        Ok(change)
    }

    /// What is held after a snapshot: its policy and issuers, and its cutoffs beside all that were held before.
    ///
    /// A CA that was restored from a backup may have forgotten cutoffs; its watchers have not.
    pub(super) fn after(&self, gathered: Gathered, limits: &Limits) -> Result<Self, Lost> {
        let Gathered { position, policy, issuers, cutoffs } = gathered;
        let mut next = Self { position: Some(position), policy, issuers, ..self.clone() };
        for (cutoff, fact) in cutoffs {
            next.evidence.insert(&cutoff, fact, limits.cutoffs)?;
            next.cutoffs.insert(cutoff);
        }
        Ok(next)
    }

    /// Remembers by whose key the facts to come are signed.
    pub(super) fn trust(&mut self, chain: Vec<Vec<u8>>, limits: &Limits) {
        self.feed_chains.retain(|known| *known != chain);
        self.feed_chains.push(chain);
        let forgotten = self.feed_chains.len().saturating_sub(limits.feed_chains.max(1));
        self.feed_chains.drain(..forgotten);
    }

    /// Notes the CA's time; it never falls. Cutoffs end by this time alone: the machine's own clock may jump ahead, and
    /// back again, and what was forgotten in between would be gone. Whether some ended.
    pub(super) fn hear(&mut self, now: Timestamp) -> bool {
        self.heard = self.heard.max(now);
        let ended = self.evidence.expire(self.heard);
        if ended {
            self.cutoffs.expire(self.heard);
        }
        ended
    }
}
