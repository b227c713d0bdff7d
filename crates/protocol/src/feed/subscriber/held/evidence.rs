//! The signed facts behind the cutoffs that are held.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Reason, Subject, Timestamp};

use crate::feed::SignedFact;
use crate::feed::subscriber::Lost;

/// For each cutoff the latest fact that says it: enough to build the set of cutoffs again and to prove it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    facts: BTreeMap<(Subject, Reason), (Timestamp, Arc<SignedFact>)>,
    /// The earliest bound: until then there is nothing to expire, which is asked twice a second.
    earliest: Option<Timestamp>,
}

impl Evidence {
    /// Adds the fact that says this cutoff; of two with one subject and reason, the one that binds longer stays.
    pub(super) fn insert(&mut self, cutoff: &Cutoff, fact: Arc<SignedFact>, most: usize) -> Result<(), Lost> {
        let key = (cutoff.subject.clone(), cutoff.reason.clone());
        let known = self.facts.get(&key);
        if known.is_none() && self.facts.len() >= most {
            return Err(Lost::TooManyCutoffs { most });
        }
        // Of equal bounds the later history's: its key is the one that will still be known.
        if known.is_none_or(|(bound, known)| (*bound, known.position()) < (cutoff.bound, fact.position())) {
            self.facts.insert(key, (cutoff.bound, fact));
            self.earliest = Some(self.earliest.map_or(cutoff.bound, |earliest| earliest.min(cutoff.bound)));
        }
        Ok(())
    }

    /// Forgets what binds no longer; whether there was anything.
    pub(super) fn expire(&mut self, now: Timestamp) -> bool {
        if self.earliest.is_none_or(|earliest| now <= earliest) {
            return false;
        }
        let before = self.facts.len();
        self.facts.retain(|_, (bound, _)| now <= *bound);
        self.earliest = self.facts.values().map(|(bound, _)| *bound).min();
        self.facts.len() < before
    }

    /// Every fact.
    pub(super) fn facts(&self) -> impl Iterator<Item = &SignedFact> {
        self.facts.values().map(|(_, fact)| fact.as_ref())
    }
}
