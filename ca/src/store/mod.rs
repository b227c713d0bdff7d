//! The CA's memory: an embedded database with one writer, and types that know nothing of the database's own.
//!
//! A state change, its audit record and its place in the sequence of facts are one transaction: whatever a closure given
//! to [`Store::write`] does through its [`Tx`] is kept whole or not at all, and is on the disk before the call returns.
//! Writing happens on one thread, from two queues: whatever waits in the urgent lane goes before all other writing.
//! Reading happens on threads of its own and sees one state of everything ([`Snapshot`]). A refusal by an operation has
//! changed nothing, so that it may be caught and audited in the same transaction.
//!
//! Nothing here reads a clock or throws dice, and no type of the database library leaves this module.

mod certificates;
mod commit;
mod crew;
mod directory;
mod error;
mod facts;
mod file;
mod meta;
mod nodes;
mod open;
mod operators;
mod policies;
mod queue;
pub(crate) mod records;
mod registrations;
mod schema;
mod services;
pub(crate) mod sql;
mod tokens;
mod tx;

use std::future::Future;
use std::path::Path;

use tokio::sync::{oneshot, watch};

pub use commit::Committed;
pub use directory::{Listing, ListingRefusal, Standing};
pub use error::{OpenError, StoreError};
pub use facts::FactRefusal;
pub use nodes::NodeRefusal;
pub use operators::OperatorRefusal;
pub use queue::Lane;
pub use records::words::UnknownWord;
pub use records::{
    AddressOwner, Admission, CertificateRecord, Clearance, ClusterServiceRecord, DirectoryChange, FactKind, FactRecord,
    NodeOrder, NodeRecord, NodeState, OperatorRecord, PodRecord, PolicyRecord, PortTarget, Position, Presented,
    RegistrationRecord, RegistrationState, Role, ServiceRecord, SignedBody, Source, Taken, TokenHash, TokenRecord,
};
pub use registrations::RegistrationRefusal;
pub use services::ServiceRefusal;
pub use tokens::TokenRefusal;
pub use tx::{Snapshot, Tx};

use crew::Crew;

/// The open database. The threads end with it.
#[derive(Debug)]
pub struct Store {
    // Dropped in this order: the writer's thread gives the file free, so it ends last.
    readers: Crew,
    writer: Crew,
    committed: watch::Sender<Committed>,
}

/// How much may wait and how much is read at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Writes that may wait in each lane before the next is refused as [`StoreError::Busy`].
    pub waiting_writes: usize,
    /// Reads that may wait before the next is refused.
    pub waiting_reads: usize,
    /// Threads that read, each with a connection of its own and about 2 MB of cache.
    pub readers: usize,
}

impl Store {
    /// Makes a new database at `path`, readable by its owner only, and opens it; refuses a path where something is.
    pub fn create(path: &Path, limits: Limits) -> Result<Self, OpenError> {
        open::create(path, limits)
    }

    /// Opens the database at `path` and brings its schema up to date; refuses a missing one, one that another process
    /// has open, one that others may read, and one that a newer version wrote.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, OpenError> {
        open::open(path, limits)
    }

    /// Changes the state in one transaction, kept if `change` returns `Ok` and rolled back if it does not.
    ///
    /// The place in the lane is taken when this is called, not when the future is first polled. Ordinary work whose
    /// future is dropped before its turn is not done; urgent work is done regardless of who still waits for it.
    pub fn write<T, E, F>(&self, lane: Lane, change: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let committed = self.committed.clone();
        let queued = self.writer.assign(lane, move |connection| {
            if lane == Lane::Urgent || !reply.is_closed() {
                // Whoever asked may be gone: what was committed stays, and the audit log says so.
                let _ = reply.send(commit::write(connection, change, &committed));
            }
        });
        answered(queued, answer)
    }

    /// Reads one state of everything.
    pub fn read<T, E, F>(&self, look: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queued = self.readers.assign(Lane::Ordinary, move |connection| {
            if !reply.is_closed() {
                let _ = reply.send(commit::read(connection, look));
            }
        });
        answered(queued, answer)
    }

    /// Where the state stands, told after each commit and before the commit's own caller hears of it.
    pub fn watch(&self) -> watch::Receiver<Committed> {
        self.committed.subscribe()
    }

    /// Takes no more work, does what waits, and ends the threads; then the file is free for another process.
    pub async fn close(&self) {
        self.readers.dismiss().await;
        self.writer.dismiss().await;
    }
}

impl Default for Limits {
    fn default() -> Self {
        // A write takes one fsync, about a millisecond: 1024 are what a caller waits for before its own deadline.
        Self { waiting_writes: 1024, waiting_reads: 1024, readers: 2 }
    }
}

/// The answer of a thread; when the thread dropped the work unanswered, a bug ended it and the log has it.
async fn answered<T, E: From<StoreError>>(
    queued: Result<(), StoreError>,
    answer: oneshot::Receiver<Result<T, E>>,
) -> Result<T, E> {
    queued?;
    answer.await.unwrap_or_else(|_| Err(StoreError::Abandoned.into()))
}
