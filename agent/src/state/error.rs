//! Why the agent's files cannot be read or written.

use std::io;
use std::path::PathBuf;

use bulkhead_identity::keys::KeyError;

/// Why the agent's files cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum StateError {
    #[error("cannot use the state directory {path}", path = .path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("another agent uses the state directory {path}", path = .path.display())]
    InUse { path: PathBuf },
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: {problem}", path = .path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl StateError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InUse { .. } => Some("stop it first, or give this one a `--state-dir` of its own".into()),
            Self::Directory { .. } | Self::Read { .. } | Self::Write { .. } => {
                Some("`--state-dir` must name a directory that the agent's user owns".into())
            }
            Self::Damaged { .. } => {
                Some("remove the file; a node whose `mesh.json` is lost joins again with a new token".into())
            }
            Self::Key(error) => error.hint(),
        }
    }
}
