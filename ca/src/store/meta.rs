//! What the CA must remember about itself.

use bulkhead_mesh::Timestamp;
use rusqlite::params;

use super::sql::stored_time;
use super::{Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The latest time that any transaction has called its own.
    pub fn last_time(&self) -> Result<Timestamp, StoreError> {
        let read = "SELECT value FROM meta WHERE key = 'last_time'";
        Ok(self.sql.one(read, params![], |row| row.time("value"))?.unwrap_or(Timestamp::EPOCH))
    }
}

impl Tx<'_> {
    /// The CA's time for this transaction: what the clock says, or the latest time ever told if the clock fell behind
    /// it. Remembered, so that the CA's time falls neither by a wrong clock nor by a restart.
    pub fn now(&mut self, clock: Timestamp) -> Result<Timestamp, StoreError> {
        let last = self.last_time()?;
        if clock <= last {
            return Ok(last);
        }
        self.sql.run(
            "INSERT INTO meta (key, value) VALUES ('last_time', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![stored_time(clock)],
        )?;
        Ok(clock)
    }
}
