//! One transaction from begin to commit, and what the rest of the CA is told of it.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::watch;

use super::records::Position;
use super::sql::Sql;
use super::{Snapshot, StoreError, Tx};
use crate::audit::AuditHead;

/// Where the state stands after the latest commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The newest fact; `None` before the first incarnation.
    pub facts: Option<Position>,
    /// The newest change of what stands at an address, see [`Snapshot::addresses_since`].
    pub directory: u64,
    /// The newest audit record.
    pub audit: AuditHead,
}

impl Committed {
    /// Where the state stands in this snapshot.
    pub(super) fn of(snapshot: &Snapshot<'_>) -> Result<Self, StoreError> {
        Ok(Self { facts: snapshot.head()?, directory: snapshot.directory_version()?, audit: snapshot.audit_head()? })
    }
}

/// Begins at once with the right to write (no other writer exists, so it never waits), and tells `committed` after.
pub(super) fn write<T, E: From<StoreError>>(
    connection: &mut Connection,
    change: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    committed: &watch::Sender<Committed>,
) -> Result<T, E> {
    let transaction = begin(connection, TransactionBehavior::Immediate)?;
    // Returning early drops the transaction, which rolls it back.
    let done = change(&mut Tx::new(Sql::on(&transaction)))?;
    let now = Committed::of(&Snapshot::new(Sql::on(&transaction)))?;
    transaction.commit().map_err(|source| StoreError::database("COMMIT", source))?;
    committed.send_if_modified(|before| std::mem::replace(before, now) != now);
    Ok(done)
}

/// A deferred transaction: every look of the closure is at the same state.
pub(super) fn read<T, E: From<StoreError>>(
    connection: &mut Connection,
    look: impl FnOnce(&Snapshot<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = begin(connection, TransactionBehavior::Deferred)?;
    look(&Snapshot::new(Sql::on(&transaction)))
}

fn begin(connection: &mut Connection, behavior: TransactionBehavior) -> Result<Transaction<'_>, StoreError> {
    connection.transaction_with_behavior(behavior).map_err(|source| StoreError::database("BEGIN", source))
}
