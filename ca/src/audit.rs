//! The audit log: who changed what, chained by hashes, so that no record can be altered or taken out unnoticed.
//!
//! The hash of record n covers the hash of record n - 1 and every field of record n. Cutting off the newest records
//! leaves a shorter chain that is sound in itself: against that, the head goes out with every heartbeat of the feed, and
//! [`Snapshot::audit_hash`] says whether a head seen elsewhere is still part of this log.

mod record;

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::params;

pub use record::{Action, Actor, AuditRecord, Outcome, ParseActorError};

use crate::store::sql::{Row, stored_number, stored_time};
use crate::store::{Snapshot, StoreError, Tx};

/// A record with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedRecord {
    /// Its number and hash.
    pub head: AuditHead,
    /// What it says.
    pub record: AuditRecord,
}

/// How long the chain is and what it hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of records.
    pub n: u64,
    /// The hash of the newest; zeros when there is none.
    pub hash: [u8; 32],
}

/// Why the audit log is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ChainError {
    #[error("audit record {n} was altered: its hash does not follow from it and from the record before")]
    Altered { n: u64 },
    #[error("audit record {n} is missing")]
    Missing { n: u64 },
}

impl Snapshot<'_> {
    /// The newest record's number and hash.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let newest = "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1";
        Ok(self.sql.one(newest, params![], read_head)?.unwrap_or(AuditHead::NONE))
    }

    /// At most `limit` records after number `n`, oldest first.
    pub fn audit_since(&self, n: u64, limit: u32) -> Result<Vec<ChainedRecord>, StoreError> {
        let since = "SELECT * FROM audit WHERE n > ?1 ORDER BY n LIMIT ?2";
        self.sql.all(since, params![stored_number(n), limit], read_record)
    }

    /// The hash of record `n`; zeros for 0, `None` for one that is not there.
    pub fn audit_hash(&self, n: u64) -> Result<Option<[u8; 32]>, StoreError> {
        if n == 0 {
            return Ok(Some(AuditHead::NONE.hash));
        }
        self.sql.one("SELECT hash FROM audit WHERE n = ?1", params![stored_number(n)], |row| row.bytes("hash"))
    }

    /// Walks the whole chain; the head it leads to, or the first record that breaks it.
    pub fn verify_audit_chain(&self) -> Result<AuditHead, StoreError> {
        let mut head = AuditHead::NONE;
        self.sql.each("SELECT * FROM audit ORDER BY n", params![], |row| {
            head = follow(head, row)?;
            Ok(())
        })?;
        Ok(head)
    }
}

impl Tx<'_> {
    /// Appends a record, in the same transaction as what it tells of.
    pub fn audit(&mut self, record: &AuditRecord) -> Result<AuditHead, StoreError> {
        let head = self.audit_head()?;
        let written = Written::of(head.n + 1, record);
        let hash = written.hash(&head.hash);
        let Written { n, at, actor, action, subject, detail, outcome } = &written;
        self.sql.run(
            "INSERT INTO audit (n, at, actor, action, subject, detail, outcome, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![n, at, actor, action, subject, detail, outcome, hash],
        )?;
        Ok(AuditHead { n: head.n + 1, hash })
    }
}

impl AuditHead {
    /// The head of an empty log.
    pub const NONE: Self = Self { n: 0, hash: [0; 32] };
}

/// A record as its columns have it: what is hashed is what is stored, so that a word that no parser reads any more is
/// still found altered or sound.
struct Written {
    n: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    outcome: String,
}

impl Written {
    fn of(n: u64, record: &AuditRecord) -> Self {
        Self {
            n: stored_number(n),
            at: stored_time(record.at),
            actor: record.actor.to_string(),
            action: record.action.to_string(),
            subject: record.subject.clone(),
            detail: record.detail.clone(),
            outcome: record.outcome.to_string(),
        }
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            n: row.value("n")?,
            at: row.value("at")?,
            actor: row.value("actor")?,
            action: row.value("action")?,
            subject: row.value("subject")?,
            detail: row.value("detail")?,
            outcome: row.value("outcome")?,
        })
    }

    /// Numbers take 8 bytes, most significant first; a text goes behind its length, so that no two records have the same
    /// encoding.
    fn hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        context.update(previous);
        context.update(&self.n.to_be_bytes());
        context.update(&self.at.to_be_bytes());
        for text in [&self.actor, &self.action, &self.subject, &self.detail, &self.outcome] {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// The head after this row, if the row follows from the head before it.
fn follow(head: AuditHead, row: &Row<'_>) -> Result<AuditHead, StoreError> {
    let (written, stored) = (Written::read(row)?, read_head(row)?);
    let expected = head.n + 1;
    if stored.n != expected {
        return Err(ChainError::Missing { n: expected }.into());
    }
    if stored.hash != written.hash(&head.hash) {
        return Err(ChainError::Altered { n: stored.n }.into());
    }
    Ok(stored)
}

fn read_record(row: &Row<'_>) -> Result<ChainedRecord, StoreError> {
    let record = AuditRecord {
        at: row.time("at")?,
        actor: row.parsed("actor")?,
        action: row.parsed("action")?,
        subject: row.value("subject")?,
        detail: row.value("detail")?,
        outcome: row.parsed("outcome")?,
    };
    Ok(ChainedRecord { head: read_head(row)?, record })
}

fn read_head(row: &Row<'_>) -> Result<AuditHead, StoreError> {
    Ok(AuditHead { n: row.number("n")?, hash: row.bytes("hash")? })
}

/// Separates these hashes from every other use of SHA-256 in the mesh.
const DOMAIN: &[u8] = b"bulkhead-audit-v1\0";
