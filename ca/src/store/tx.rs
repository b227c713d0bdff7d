//! The two views of the database: one that only reads, and one that writes as well.

use std::fmt;
use std::ops::Deref;

use super::sql::Sql;

/// One state of everything, for reading. Its methods stand with their tables.
pub struct Snapshot<'c> {
    pub(crate) sql: Sql<'c>,
}

/// A transaction that writes; it reads what it has written. Its methods stand with their tables.
pub struct Tx<'c>(Snapshot<'c>);

impl<'c> Snapshot<'c> {
    pub(super) fn new(sql: Sql<'c>) -> Self {
        Self { sql }
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(sql: Sql<'c>) -> Self {
        Self(Snapshot::new(sql))
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Snapshot<'c>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot")
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}
