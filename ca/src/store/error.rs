//! What can go wrong in the store: refusals, which name their reason, and failures.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use super::{
    FactRefusal, Lane, ListingRefusal, NodeRefusal, OperatorRefusal, RegistrationRefusal, ServiceRefusal, TokenRefusal,
};
use crate::audit::ChainError;
use bulkhead_mesh::Serial;

/// Why the store did not do what it was asked for. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum StoreError {
    #[error(transparent)]
    Node(#[from] NodeRefusal),
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    #[error(transparent)]
    Registration(#[from] RegistrationRefusal),
    #[error(transparent)]
    Service(#[from] ServiceRefusal),
    #[error(transparent)]
    Operator(#[from] OperatorRefusal),
    #[error(transparent)]
    Fact(#[from] FactRefusal),
    #[error(transparent)]
    Listing(#[from] ListingRefusal),
    #[error("serial {serial} is on record for another certificate")]
    SerialTaken { serial: Serial },
    #[error(transparent)]
    Audit(#[from] ChainError),
    #[error("the store is busy: {waiting} wait in its {lane} lane already")]
    Busy { lane: Lane, waiting: usize },
    #[error("the store is closed")]
    Closed,
    #[error("the store did not finish this work")]
    Abandoned,
    #[error("the database could not run `{statement}`")]
    Database { statement: &'static str, source: Box<dyn Error + Send + Sync> },
    #[error("column `{column}` of the database holds what no version of this program writes")]
    Corrupt { column: &'static str, source: Box<dyn Error + Send + Sync> },
}

impl StoreError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Node(refusal) => refusal.hint(),
            Self::Token(refusal) => refusal.hint(),
            Self::Registration(refusal) => refusal.hint(),
            Self::Busy { .. } => Some("try again; if it lasts, the CA's disk is slower than its callers"),
            Self::Abandoned => Some("the CA's log has a panic that says why; please report it"),
            Self::Database { .. } => Some("look at the disk's space and health"),
            Self::Corrupt { .. } | Self::Audit(_) => Some("somebody else wrote to the database: keep a copy, restore"),
            _ => None,
        }
    }

    pub(super) fn database(statement: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Database { statement, source: source.into() }
    }

    pub(crate) fn corrupt(column: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Corrupt { column, source: source.into() }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum OpenError {
    #[error("there is already something at {path}", path = .path.display())]
    Exists { path: PathBuf },
    #[error("there is no database at {path}", path = .path.display())]
    Missing { path: PathBuf },
    #[error("another process has the database {path} open", path = .path.display())]
    InUse { path: PathBuf },
    #[error("others than its owner may read or write the database {path} (mode {mode:04o})", path = .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{path} is not a database of this CA", path = .path.display())]
    Foreign { path: PathBuf },
    #[error("the database has schema version {found}, and this program knows versions up to {known}")]
    Newer { found: u32, known: u32 },
    #[error("the file system of {path} allows no write-ahead log (journal mode `{mode}`)", path = .path.display())]
    NoWriteAheadLog { path: PathBuf, mode: String },
    #[error("cannot {action} {path}", path = .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot start a thread of the store")]
    Thread { source: io::Error },
    #[error("cannot read the database {path}", path = .path.display())]
    Unreadable { path: PathBuf, source: StoreError },
}

impl OpenError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some("name another path, or move the old database away first"),
            Self::Missing { .. } => Some("`bulkhead-ca init` makes one"),
            Self::InUse { .. } => Some("stop the other bulkhead-ca first: only one may write"),
            Self::Exposed { .. } => Some("`chmod 600` it, and ask who may have read it"),
            Self::Foreign { .. } => Some("if an interrupted `bulkhead-ca init` left it, remove it and run init again"),
            Self::Newer { .. } => Some("run the version of bulkhead-ca that wrote it, or a newer one"),
            Self::NoWriteAheadLog { .. } => Some("put the database on a local file system"),
            _ => None,
        }
    }
}
