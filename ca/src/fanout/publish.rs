//! Brings the log in memory up to the store, and wakes whoever is to hear of it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stop, chain};
use bulkhead_protocol::convert::StatementError;
use bulkhead_protocol::feed::log::LogError;
use bulkhead_protocol::feed::signature::{BadSignature, KeyError};
use bulkhead_protocol::feed::{FeedVerifier, Limits, Position, SignedFact, Statement};
use bulkhead_protocol::v1;

use super::{Fanout, feed_position, store_position};
use crate::ca::{Ca, Known};
use crate::store::{FactRecord, Position as StorePosition, StoreError};

/// Why the log cannot follow the store.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store holds no history of facts")]
    NoHistory,
    #[error("the key of the feed cannot be used")]
    Key(#[from] KeyError),
    #[error("the store does not remember what follows {position}")]
    Forgotten { position: Position },
    #[error("the fact at {position} was not signed by this CA's feed key")]
    Signature { position: Position, source: BadSignature },
    #[error("the fact at {position} cannot be read")]
    Statement { position: Position, source: StatementError },
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Fanout {
    /// Reads what the store has that the log has not, and tells every session.
    pub async fn publish(&self, ca: &Ca) -> Result<(), PublishError> {
        let mut published = self.publishing.lock().await;
        let (after, moved_after) = (store_position(self.head()), published.directory);
        let (facts, moved) = ca
            .store
            .read(move |now| Ok::<_, StoreError>((now.facts_since(after)?, now.addresses_since(moved_after)?)))
            .await?;
        let facts = facts.ok_or(PublishError::Forgotten { position: feed_position(after) })?;
        self.append(&ca.known, facts)?;
        let head = self.head();
        // Told when it moved: each commit comes by here, and most say nothing to the mesh.
        self.head.send_if_modified(|told| std::mem::replace(told, head) != head);
        if let Some((_, newest)) = moved.last() {
            published.directory = *newest;
            // No session listens: nobody has to hear.
            let _ = self.moved.send(moved.iter().map(|(address, _)| *address).collect());
        }
        Ok(())
    }

    /// Follows the store until stopped. Whoever writes publishes at once; this catches what was written otherwise.
    pub async fn follow(&self, ca: Arc<Ca>, stop: Stop) {
        let mut committed = ca.store.watch();
        loop {
            let published = self.publish(&ca).await;
            if let Err(error) = &published {
                tracing::error!(error = chain(error), "the feed cannot follow the store");
            }
            tokio::select! {
                () = stop.stopped() => return,
                changed = committed.changed() => if changed.is_err() { return },
                // What could not be told must not wait for the next commit: it may be a revocation.
                () = tokio::time::sleep(RETRY), if published.is_err() => {}
            }
        }
    }

    /// The CA believes a fact before it tells it, so that nobody is told of a cutoff that this CA would still let in.
    fn append(&self, known: &Known, records: Vec<FactRecord>) -> Result<(), PublishError> {
        if records.is_empty() {
            return Ok(());
        }
        let (signed, said) = believe(&self.verifier, records)?;
        known.learn(&said);
        let mut log = self.log();
        Ok(signed.into_iter().try_for_each(|fact| log.append(fact))?)
    }
}

/// Checks stored facts and reads them. The store is a file that somebody may have written to: a fact is told only if
/// this CA has signed it.
pub(super) fn believe(
    verifier: &FeedVerifier,
    records: Vec<FactRecord>,
) -> Result<(Vec<SignedFact>, Vec<Statement>), PublishError> {
    records.into_iter().map(|record| believe_one(verifier, record)).collect()
}

/// Checks and reads one.
pub(super) fn believe_one(
    verifier: &FeedVerifier,
    record: FactRecord,
) -> Result<(SignedFact, Statement), PublishError> {
    let StorePosition { incarnation, n } = record.position;
    let position = feed_position(record.position);
    let wire = v1::Fact { incarnation, n, body: record.signed.body, signature: record.signed.signature };
    let signed = verifier.fact(wire).map_err(|source| PublishError::Signature { position, source })?;
    let statement = Statement::decode(&signed, &Limits::default());
    Ok((signed, statement.map_err(|source| PublishError::Statement { position, source })?))
}

const RETRY: Duration = Duration::from_millis(100);
