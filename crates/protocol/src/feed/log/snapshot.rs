//! All that is in force at one position, shared by all watchers that need it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::Log;
use crate::feed::{FeedSigner, Position, SignedFact, signature::SignError};
use crate::v1;

/// The facts in force at a position, and their signed end.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) position: Position,
    pub(super) facts: Vec<Arc<SignedFact>>,
    pub(super) end: v1::SnapshotEnd,
}

/// SHA-256 over the signatures of a snapshot's facts, in their order: whoever leaves one out changes it.
pub(in crate::feed) struct FactsDigest {
    context: Context,
    facts: u64,
}

impl fmt::Debug for FactsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FactsDigest({} facts)", self.facts)
    }
}

impl FactsDigest {
    pub(in crate::feed) fn new() -> Self {
        Self { context: Context::new(&SHA256), facts: 0 }
    }

    pub(in crate::feed) fn add(&mut self, fact: &SignedFact) {
        self.context.update(fact.signature());
        self.facts += 1;
    }

    /// How many facts, and their digest.
    pub(in crate::feed) fn finish(self) -> (u64, [u8; 32]) {
        let digest = self.context.finish();
        (self.facts, digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl Log {
    /// The snapshot at the head; signed once, however many ask for it.
    pub(super) fn snapshot(&mut self, signer: &FeedSigner) -> Result<Arc<Snapshot>, SignError> {
        if let Some(known) = &self.snapshot {
            return Ok(Arc::clone(known));
        }
        let facts: Vec<_> = self.in_force.values().cloned().collect();
        let mut digest = FactsDigest::new();
        for fact in &facts {
            digest.add(fact);
        }
        let (count, digest) = digest.finish();
        let end = signer.snapshot_end(self.head, count, digest)?;
        let snapshot = Arc::new(Snapshot { position: self.head, facts, end });
        self.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
