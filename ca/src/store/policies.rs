//! The table of policies, as their authors wrote them.

use bulkhead_mesh::OperatorName;
use rusqlite::params;

use super::records::{PolicyRecord, Position};
use super::sql::{Row, stored_number, stored_time};
use super::{Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The policy that was applied last.
    pub fn policy(&self) -> Result<Option<PolicyRecord>, StoreError> {
        let last = "SELECT * FROM policies ORDER BY incarnation DESC, n DESC LIMIT 1";
        self.sql.one(last, params![], read_policy)
    }
}

impl Tx<'_> {
    /// Keeps what a policy fact was made from; the fact is appended first.
    pub fn record_policy(&mut self, new: &PolicyRecord) -> Result<(), StoreError> {
        self.sql.run(
            "INSERT INTO policies (incarnation, n, document, applied_by, applied_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                stored_number(new.position.incarnation),
                stored_number(new.position.n),
                new.document,
                new.applied_by.as_ref().map(OperatorName::as_str),
                stored_time(new.applied_at),
            ],
        )?;
        Ok(())
    }
}

fn read_policy(row: &Row<'_>) -> Result<PolicyRecord, StoreError> {
    Ok(PolicyRecord {
        position: Position { incarnation: row.number("incarnation")?, n: row.number("n")? },
        document: row.value("document")?,
        applied_by: row.parsed_or_null("applied_by")?,
        applied_at: row.time("applied_at")?,
    })
}
