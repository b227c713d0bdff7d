//! What everybody who watches is told: the log of facts in memory, in step with the store, and who has acknowledged it.

mod acknowledgements;
mod answer;
mod publish;
pub mod session;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_mesh::Timestamp;
use bulkhead_protocol::feed::log::Settings;
use bulkhead_protocol::feed::{FeedSigner, FeedVerifier, Incarnation, Log, Position, Statement};
use tokio::sync::{Semaphore, broadcast, watch};

pub use acknowledgements::{Acknowledgement, Acknowledgements, OpenStream};
pub use publish::PublishError;

use crate::ca::Known;
use crate::denied::Denied;
use crate::store::{self, FactKind, FactRecord, SignedBody, Snapshot, Store, StoreError, Tx};

/// The log, its signer, and the ears of every watcher.
#[derive(Debug)]
pub struct Fanout {
    log: Mutex<Log>,
    signer: FeedSigner,
    verifier: FeedVerifier,
    /// Where the log stands; each session waits on it.
    head: watch::Sender<Position>,
    /// Addresses at which something changed, after each commit that did.
    moved: broadcast::Sender<Arc<[IpAddr]>>,
    /// Held while the store is read, so that two publications never mix.
    publishing: tokio::sync::Mutex<Published>,
    /// As many sessions may look into the store at once: were it all of them at each commit, its queue would be full and
    /// others refused.
    turns: Semaphore,
    /// Who enforces what.
    pub acknowledgements: Acknowledgements,
}

/// How far the store has been read.
#[derive(Debug)]
struct Published {
    directory: u64,
}

impl Fanout {
    /// The log as the store has it, signed on with this key; `feed_chain` is shown to each watcher.
    pub async fn load(
        store: &Store,
        known: &Known,
        signer: FeedSigner,
        feed_chain: Vec<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Self, PublishError> {
        let verifier = signer.verifier()?;
        let (head, facts, directory) = store
            .read(move |state| {
                Ok::<_, StoreError>((state.head()?, state.facts_in_force(now)?, state.directory_version()?))
            })
            .await?;
        let head = feed_position(head.ok_or(PublishError::NoHistory)?);
        let (facts, said) = publish::believe(&verifier, facts)?;
        known.learn(&said);
        Ok(Self {
            log: Mutex::new(Log::load(head, facts, Settings::new(feed_chain))?),
            signer,
            verifier,
            head: watch::Sender::new(head),
            moved: broadcast::Sender::new(MOVED_KEPT),
            publishing: tokio::sync::Mutex::new(Published { directory }),
            turns: Semaphore::new(TURNS),
            acknowledgements: Acknowledgements::default(),
        })
    }

    /// Where the log stands.
    pub fn head(&self) -> Position {
        self.log().head()
    }

    /// Shows each watcher that comes from now on another certificate of the feed key.
    pub fn show_chain(&self, feed_chain: Vec<Vec<u8>>) {
        self.log().show_chain(feed_chain);
    }

    /// Reads a stored fact, if this CA has signed it.
    pub fn read(&self, record: FactRecord) -> Result<Statement, PublishError> {
        publish::believe_one(&self.verifier, record).map(|(_, statement)| statement)
    }

    /// Forgets the cutoffs that no certificate can meet any more: in snapshots at once, in what the CA believes itself
    /// when no node can renew its last certificate either. How many left the snapshots.
    pub async fn expire(&self, known: &Known, now: Timestamp, grace: Duration) -> usize {
        // What the CA believes is changed by one at a time, or a cutoff that is learnt meanwhile would be lost.
        let _alone = self.publishing.lock().await;
        known.expire(now.minus(grace));
        self.log().expire(now)
    }

    /// Looks into the store for a session, when its turn has come.
    async fn consult<T, E, F>(&self, store: &Store, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T, E> + Send + 'static,
    {
        // Nobody closes the semaphore, and without a turn the store would refuse what is too much.
        let _turn = self.turns.acquire().await;
        store.read(look).await
    }

    /// Writes a fact in the transaction that changes the state.
    pub fn say(
        &self,
        tx: &mut Tx<'_>,
        kind: FactKind,
        bound: Option<Timestamp>,
        statement: &Statement,
    ) -> Result<Position, Denied> {
        say(&self.signer, tx, kind, bound, statement)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Each change of the log is whole before it is visible, so a panic elsewhere does not spoil it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signs a statement for the next position and appends it as a fact.
pub(crate) fn say(
    signer: &FeedSigner,
    tx: &mut Tx<'_>,
    kind: FactKind,
    bound: Option<Timestamp>,
    statement: &Statement,
) -> Result<Position, Denied> {
    let record = tx.append_fact(kind, bound, |position| {
        let fact = signer.fact(feed_position(position), statement)?;
        Ok::<_, Denied>(SignedBody { body: fact.body().to_vec(), signature: fact.signature().to_vec() })
    })?;
    Ok(feed_position(record.position))
}

/// A position of the store as the feed writes it.
pub(crate) fn feed_position(position: store::Position) -> Position {
    Position { incarnation: Incarnation::new(position.incarnation), n: position.n }
}

/// A position of the feed as the store writes it.
pub(crate) fn store_position(position: Position) -> store::Position {
    store::Position { incarnation: position.incarnation.number(), n: position.n }
}

/// Half of what the store lets wait before it refuses a read.
const TURNS: usize = 512;
/// Changes of addresses that a session may be behind before it asks for all of its addresses anew.
const MOVED_KEPT: usize = 256;
