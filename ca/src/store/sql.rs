//! Statements and rows with the store's own errors and the mesh's own types.

use std::error::Error;
use std::str::FromStr;

use bulkhead_mesh::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, Type};
use rusqlite::{Connection, Params};

use super::StoreError;

/// Statements on one connection.
#[derive(Clone, Copy)]
pub(crate) struct Sql<'c>(&'c Connection);

/// One row of a result; its columns are asked for by name.
pub(crate) struct Row<'r>(&'r rusqlite::Row<'r>);

impl<'c> Sql<'c> {
    /// Statements on this connection.
    pub(super) fn on(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// Runs a statement that returns nothing; how many rows it changed.
    pub(crate) fn run(self, statement: &'static str, values: impl Params) -> Result<usize, StoreError> {
        self.0.execute(statement, values).map_err(|source| StoreError::database(statement, source))
    }

    /// Shows each row to `see`, in order.
    pub(crate) fn each(
        self,
        statement: &'static str,
        values: impl Params,
        mut see: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |source| StoreError::database(statement, source);
        let mut prepared = self.0.prepare(statement).map_err(failed)?;
        let mut rows = prepared.query(values).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            see(&Row(row))?;
        }
        Ok(())
    }

    /// Every row, in order.
    pub(crate) fn all<T>(
        self,
        statement: &'static str,
        values: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(statement, values, |row| read(row).map(|record| found.push(record)))?;
        Ok(found)
    }

    /// The one row of a statement that has at most one.
    pub(crate) fn one<T>(
        self,
        statement: &'static str,
        values: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement, values, read)?.pop())
    }
}

impl Row<'_> {
    /// A value as the database has it.
    pub(crate) fn value<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.0.get(column).map_err(|source| StoreError::corrupt(column, source))
    }

    /// A text, read by its type's own parser.
    pub(crate) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.value::<String>(column)?.parse().map_err(|source| StoreError::corrupt(column, source))
    }

    /// A text that may be absent.
    pub(crate) fn parsed_or_null<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        if self.is_null(column)? { Ok(None) } else { self.parsed(column).map(Some) }
    }

    /// Texts with a space between two.
    pub(crate) fn list<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        let parse = |word: &str| word.parse().map_err(|source| StoreError::corrupt(column, source));
        self.value::<String>(column)?.split_whitespace().map(parse).collect()
    }

    /// A number in the range of its type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let found = self.value::<i64>(column)?;
        T::try_from(found).map_err(|_| StoreError::corrupt(column, FromSqlError::OutOfRange(found)))
    }

    /// A moment.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        let millis = self.number::<u64>(column)?;
        Ok(if millis == LATEST { Timestamp::MAX } else { Timestamp::from_millis(millis) })
    }

    /// A moment that may be absent.
    pub(crate) fn time_or_null(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        if self.is_null(column)? { Ok(None) } else { self.time(column).map(Some) }
    }

    /// Bytes of a fixed number.
    pub(crate) fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.value(column)
    }

    /// Bytes of a fixed number that may be absent.
    pub(crate) fn bytes_or_null<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, StoreError> {
        self.value(column)
    }

    fn is_null(&self, column: &'static str) -> Result<bool, StoreError> {
        let value = self.0.get_ref(column).map_err(|source| StoreError::corrupt(column, source))?;
        Ok(value.data_type() == Type::Null)
    }
}

/// A moment as the database keeps it. Its numbers end at 2^63 - 1, some 292 million years from now: everything later is
/// the end of time.
pub(crate) fn stored_time(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A number as the database keeps it; a greater one than it can keep is as good as the greatest, which nothing reaches.
pub(crate) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Words with a space between two.
pub(super) fn stored_list<T: ToString>(words: &[T]) -> String {
    words.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

const LATEST: u64 = i64::MAX.cast_unsigned();
