//! A snapshot on its way: nothing of it counts before its signed end has come.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Policy, SpkiDigest};

use super::held::Proved;
use super::{Lost, Violation};
use crate::feed::log::FactsDigest;
use crate::feed::{FeedVerifier, Limits, MissingPosition, Position, SignedFact, Statement};
use crate::v1;

/// The facts of a snapshot so far.
#[derive(Debug)]
pub(super) struct Gathering {
    last: Position,
    digest: FactsDigest,
    count: usize,
    gathered: Gathered,
}

/// A whole snapshot: all that is in force at a position.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) position: Position,
    pub(super) policy: Option<Proved<Policy>>,
    pub(super) issuers: Option<Proved<BTreeSet<SpkiDigest>>>,
    pub(super) cutoffs: Vec<(Cutoff, Arc<SignedFact>)>,
}

impl Gathering {
    /// A snapshot that will stand at `position`.
    pub(super) fn new(position: Position) -> Self {
        let gathered = Gathered { position, policy: None, issuers: None, cutoffs: Vec::new() };
        Self { last: Position::start(position.incarnation), digest: FactsDigest::new(), count: 0, gathered }
    }

    /// Adds a fact: facts rise, and stand between the beginning of the history and the snapshot's position.
    pub(super) fn take(&mut self, fact: SignedFact, limits: &Limits) -> Result<(), Lost> {
        let found = fact.position();
        if found.incarnation != self.last.incarnation || found <= self.last {
            return Err(Lost::Replayed { held: self.last, found });
        }
        if found > self.gathered.position {
            return Err(Lost::Gap { held: self.gathered.position, found });
        }
        if self.count >= limits.snapshot_facts {
            return Err(Lost::TooManyFacts { most: limits.snapshot_facts });
        }
        let statement =
            Statement::decode(&fact, limits).map_err(|source| Lost::Unfamiliar { position: found, source })?;
        self.digest.add(&fact);
        self.count += 1;
        self.last = found;
        self.gathered.add(Arc::new(fact), statement)
    }

    /// The whole snapshot, if its end speaks of exactly these facts.
    pub(super) fn end(self, end: &v1::SnapshotEnd, verifier: &FeedVerifier) -> Result<Gathered, Lost> {
        let promised = self.gathered.position;
        let found = MissingPosition::check("snapshot_end.position", end.position).map_err(Violation::from)?;
        if found != promised {
            return Err(Violation::OtherSnapshot { promised, found }.into());
        }
        let (received, digest) = self.digest.finish();
        if (received, &digest[..]) != (end.facts, &end.digest[..]) {
            return Err(Lost::Incomplete { received, said: end.facts });
        }
        verifier.snapshot_end(promised, received, &digest, &end.signature)?;
        Ok(self.gathered)
    }
}

impl Gathered {
    fn add(&mut self, fact: Arc<SignedFact>, statement: Statement) -> Result<(), Lost> {
        let said_before = match statement {
            Statement::Policy(value) => self.policy.replace(Proved { value, fact }).is_some(),
            Statement::Issuers(value) => self.issuers.replace(Proved { value, fact }).is_some(),
            Statement::Cutoff(cutoff) => {
                self.cutoffs.push((cutoff, fact));
                false
            }
        };
        if said_before { Err(Violation::SaidTwice.into()) } else { Ok(()) }
    }
}
