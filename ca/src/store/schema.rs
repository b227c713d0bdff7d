//! The schema's versions: a database only ever goes forward, one version at a time, each in one transaction.

use std::path::Path;

use rusqlite::{Connection, Result as SqlResult, TransactionBehavior, params};

use super::open::unreadable;
use super::{OpenError, StoreError};

/// Gives an empty database the newest schema.
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    migrate(connection, 0)
}

/// Brings a database of this CA to the newest schema; refuses any other, and one that is newer.
pub(super) fn upgrade(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| unreadable(path)(StoreError::database("read the schema version", source));
    if application(connection).map_err(failed)? != APPLICATION {
        return Err(OpenError::Foreign { path: path.into() });
    }
    let found = version(connection).map_err(failed)?;
    let known = newest();
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    migrate(connection, found).map_err(unreadable(path))
}

fn migrate(connection: &mut Connection, from: u32) -> Result<(), StoreError> {
    for (version, script) in (1..).zip(SCRIPTS).filter(|(version, _)| *version > from) {
        step(connection, version, script).map_err(|source| StoreError::database("a migration", source))?;
    }
    Ok(())
}

fn step(connection: &mut Connection, version: u32, script: &str) -> SqlResult<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(script)?;
    transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", params![version])?;
    transaction.commit()
}

fn application(connection: &Connection) -> SqlResult<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn version(connection: &Connection) -> SqlResult<u32> {
    connection.query_row("SELECT max(version) FROM schema_version", params![], |row| row.get(0))
}

fn newest() -> u32 {
    u32::try_from(SCRIPTS.len()).expect("this file lists fewer than 2^32 versions")
}

/// Version n is the n-th. A script that was released never changes.
const SCRIPTS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// `Bulk`, as the first script writes it into the file's header.
const APPLICATION: i64 = 0x4275_6c6b;
