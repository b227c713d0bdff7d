//! The table of facts: numbered without gaps in each incarnation, because a number is given and used in one transaction.

use bulkhead_mesh::Timestamp;
use rusqlite::params;

use super::records::{FactKind, FactRecord, Position, SignedBody};
use super::sql::{Row, stored_number, stored_time};
use super::{Snapshot, StoreError, Tx};

/// Why a fact was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum FactRefusal {
    #[error("the CA has begun no history of facts yet")]
    NoIncarnation,
    #[error("there is no fact {n} in force in the present incarnation")]
    NotInForce { n: u64 },
}

impl Snapshot<'_> {
    /// The position of the newest fact; `None` before the first incarnation.
    pub fn head(&self) -> Result<Option<Position>, StoreError> {
        let head = "SELECT incarnation, (SELECT coalesce(max(n), 0) FROM facts
                                         WHERE facts.incarnation = incarnations.incarnation) AS n
             FROM incarnations ORDER BY incarnation DESC LIMIT 1";
        self.sql.one(head, params![], read_position)
    }

    /// The facts that say something at `now`, in their order: what a snapshot tells. Only the present incarnation's.
    pub fn facts_in_force(&self, now: Timestamp) -> Result<Vec<FactRecord>, StoreError> {
        let Some(head) = self.head()? else { return Ok(Vec::new()) };
        let in_force = "SELECT * FROM facts WHERE incarnation = ?1 AND superseded_by IS NULL
             AND (bound IS NULL OR bound >= ?2) ORDER BY n";
        self.sql.all(in_force, params![stored_number(head.incarnation), stored_time(now)], read_fact)
    }

    /// Every fact after a position, without gaps: what a delta tells. `None` when the position is not in the present
    /// history: its holder needs a snapshot.
    pub fn facts_since(&self, position: Position) -> Result<Option<Vec<FactRecord>>, StoreError> {
        let same_history = |head: &Position| head.incarnation == position.incarnation && position.n <= head.n;
        if !self.head()?.as_ref().is_some_and(same_history) {
            return Ok(None);
        }
        let since = "SELECT * FROM facts WHERE incarnation = ?1 AND n > ?2 ORDER BY n";
        let after = params![stored_number(position.incarnation), stored_number(position.n)];
        self.sql.all(since, after, read_fact).map(Some)
    }

    /// The newest fact of this kind in the present incarnation, unless something has superseded it.
    pub fn latest_fact(&self, kind: FactKind) -> Result<Option<FactRecord>, StoreError> {
        let Some(head) = self.head()? else { return Ok(None) };
        let latest = "SELECT * FROM facts WHERE incarnation = ?1 AND kind = ?2 AND superseded_by IS NULL
             ORDER BY n DESC LIMIT 1";
        self.sql.one(latest, params![stored_number(head.incarnation), kind.as_str()], read_fact)
    }
}

impl Tx<'_> {
    /// Begins a new history, which has no fact yet. Its number is the CA's time, so that two restored from one backup
    /// differ, and greater than every number before.
    pub fn begin_incarnation(&mut self, now: Timestamp) -> Result<Position, StoreError> {
        let after_last = self.head()?.map_or(1, |head| head.incarnation + 1);
        let incarnation = now.as_millis().max(after_last);
        let insert = "INSERT INTO incarnations (incarnation, begun_at) VALUES (?1, ?2)";
        self.sql.run(insert, params![stored_number(incarnation), stored_time(now)])?;
        Ok(Position { incarnation, n: 0 })
    }

    /// Appends a fact at the next position, for which `sign` makes its body and signature; a kind that replaces what was
    /// said before supersedes that.
    pub fn append_fact<E: From<StoreError>>(
        &mut self,
        kind: FactKind,
        bound: Option<Timestamp>,
        sign: impl FnOnce(Position) -> Result<SignedBody, E>,
    ) -> Result<FactRecord, E> {
        let head = self.head()?.ok_or(StoreError::Fact(FactRefusal::NoIncarnation))?;
        let position = Position { n: head.n + 1, ..head };
        let fact = FactRecord { position, kind, signed: sign(position)?, bound };
        if kind.replaces() {
            self.supersede_kind(kind, position)?;
        }
        self.write_fact(&fact)?;
        Ok(fact)
    }

    /// Notes that a fact of the present incarnation is in force no more, because of the fact at `by`.
    pub fn supersede_fact(&mut self, n: u64, by: Position) -> Result<(), StoreError> {
        let changed = self.sql.run(
            "UPDATE facts SET superseded_by = ?3 WHERE incarnation = ?1 AND n = ?2 AND superseded_by IS NULL",
            params![stored_number(by.incarnation), stored_number(n), stored_number(by.n)],
        )?;
        if changed == 1 { Ok(()) } else { Err(FactRefusal::NotInForce { n }.into()) }
    }

    fn supersede_kind(&mut self, kind: FactKind, by: Position) -> Result<usize, StoreError> {
        self.sql.run(
            "UPDATE facts SET superseded_by = ?3 WHERE incarnation = ?1 AND kind = ?2 AND superseded_by IS NULL",
            params![stored_number(by.incarnation), kind.as_str(), stored_number(by.n)],
        )
    }

    fn write_fact(&mut self, fact: &FactRecord) -> Result<(), StoreError> {
        self.sql.run(
            "INSERT INTO facts (incarnation, n, kind, body, signature, bound) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                stored_number(fact.position.incarnation),
                stored_number(fact.position.n),
                fact.kind.as_str(),
                fact.signed.body,
                fact.signed.signature,
                fact.bound.map(stored_time),
            ],
        )?;
        Ok(())
    }
}

fn read_fact(row: &Row<'_>) -> Result<FactRecord, StoreError> {
    Ok(FactRecord {
        position: read_position(row)?,
        kind: row.parsed("kind")?,
        signed: SignedBody { body: row.value("body")?, signature: row.value("signature")? },
        bound: row.time_or_null("bound")?,
    })
}

fn read_position(row: &Row<'_>) -> Result<Position, StoreError> {
    Ok(Position { incarnation: row.number("incarnation")?, n: row.number("n")? })
}
