//! From a path to a store whose threads run.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result as SqlResult};
use tokio::sync::watch;

use super::commit::{self, Committed};
use super::crew::Crew;
use super::file::{self, Lock};
use super::{Limits, OpenError, Store, StoreError, schema};

/// Makes a database file with the newest schema, and opens it.
pub(super) fn create(path: &Path, limits: Limits) -> Result<Store, OpenError> {
    let lock = Lock::take(path)?;
    file::create_private(path)?;
    let mut writer = writing_connection(path)?;
    schema::create(&mut writer).map_err(unreadable(path))?;
    start(path, limits, writer, lock)
}

/// Opens a database file and brings its schema up to date.
pub(super) fn open(path: &Path, limits: Limits) -> Result<Store, OpenError> {
    file::check_private(path)?;
    let lock = Lock::take(path)?;
    let mut writer = writing_connection(path)?;
    schema::upgrade(&mut writer, path)?;
    start(path, limits, writer, lock)
}

fn start(path: &Path, limits: Limits, mut writer: Connection, lock: Lock) -> Result<Store, OpenError> {
    let now = commit::read(&mut writer, Committed::of).map_err(unreadable(path))?;
    let mut readers = Crew::new(limits.waiting_reads);
    for _ in 0..limits.readers.max(1) {
        let connection = reading_connection(path)?;
        readers.hire("store-reader", connection, ()).map_err(|source| OpenError::Thread { source })?;
    }
    let mut crew = Crew::new(limits.waiting_writes);
    crew.hire("store-writer", writer, lock).map_err(|source| OpenError::Thread { source })?;
    Ok(Store { readers, writer: crew, committed: watch::Sender::new(now) })
}

fn writing_connection(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> SqlResult<(Connection, String)> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        // FULL: a commit is on the disk before its caller hears of it, and no power cut takes it back.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok((connection, mode))
    };
    match open().map_err(|source| refused(path, source))? {
        (connection, mode) if mode == "wal" => Ok(connection),
        (_, mode) => Err(OpenError::NoWriteAheadLog { path: path.into(), mode }),
    }
}

fn reading_connection(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> SqlResult<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    };
    open().map_err(|source| unreadable(path)(StoreError::database("open", source)))
}

/// Whatever the file is, it is no database.
fn refused(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign { path: path.into() },
        _ => unreadable(path)(StoreError::database("open", source)),
    }
}

pub(super) fn unreadable(path: &Path) -> impl Fn(StoreError) -> OpenError {
    move |source| OpenError::Unreadable { path: path.into(), source }
}

/// With one writer nobody waits for a lock, except where the log is recovered or folded into the database.
const PATIENCE: Duration = Duration::from_secs(5);
