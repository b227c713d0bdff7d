//! Why no authority was founded.

use std::io;
use std::path::PathBuf;

use bulkhead_identity::keys::KeyError;
use bulkhead_identity::scope::ScopeError;
use bulkhead_mesh::OperatorName;

use super::existing::RootError;
use crate::authority::{IssuerError, IssuingKeyError, LoadError};
use crate::begin::BeginError;
use crate::dice::NoRandomness;
use crate::draft::DraftError;
use crate::lint::LintError;
use crate::policy_file::PolicyFileError;
use crate::seal::SealError;
use crate::sign::SignError;

/// Why no authority was founded. Whatever the reason but [`InitError::Durability`], nothing has changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum InitError {
    #[error("{path} is not empty, so nothing was founded there", path = .path.display())]
    Occupied { path: PathBuf },
    #[error("{path} exists already; a key is never overwritten", path = .path.display())]
    OperatorFile { path: PathBuf },
    #[error("the first policy is refused")]
    Policy(#[from] PolicyFileError),
    #[error("the responder would have the name of the first operator, `{name}`")]
    SameOperator { name: OperatorName },
    #[error("no authority can be founded under the root in {directory}", directory = .directory.display())]
    Root { directory: PathBuf, source: Box<RootError> },
    #[error("cannot write {path}", path = .path.display())]
    Build { path: PathBuf, source: io::Error },
    #[error("cannot put the finished directory at {path}", path = .path.display())]
    Finish { path: PathBuf, source: io::Error },
    #[error("{path} was founded and is complete, but may not survive a power cut now", path = .path.display())]
    Durability { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error("the new authority cannot be read back")]
    Load(#[from] LoadError),
    #[error("the first records cannot be made")]
    Begin(#[from] BeginError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("a key cannot be sealed")]
    Seal(#[from] SealError),
    #[error("the certificate of the root or an intermediate cannot be built")]
    Certificate(#[from] rcgen::Error),
    #[error("the certificate of the root or an intermediate is not as it should be")]
    Issuer(#[from] IssuerError),
    #[error("an intermediate cannot be used")]
    IssuingKey(#[from] IssuingKeyError),
    #[error("the scope of an intermediate cannot be written")]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Lint(#[from] LintError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl InitError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Occupied { .. } => Some("a CA is never replaced: name another directory, or move this one away"),
            Self::OperatorFile { .. } => Some("name another place for the key, or move this one away"),
            Self::Root { source, .. } => source.hint(),
            Self::Finish { source, .. } if source.kind() == io::ErrorKind::ResourceBusy => {
                Some("the directory is a mount point; name a directory below it")
            }
            Self::Key(KeyError::Write { .. }) => {
                Some("the directory of the operator's file must exist and be writable")
            }
            _ => None,
        }
    }
}
