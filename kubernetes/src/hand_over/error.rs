//! Why something could not be handed over.

use std::io;
use std::path::PathBuf;

/// Why something could not be handed over.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum HandOverError {
    #[error("there is no way to the Kubernetes API server")]
    Connect { source: Box<kube::Error> },
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is longer than any key", path = .path.display())]
    TooLong { path: PathBuf },
    #[error("`{key}` is no text, and so cannot go into a ConfigMap")]
    NoText { key: String },
    #[error("{path} is not there, but other files of `{name}` are; nothing of it was handed over", path = .path.display())]
    Incomplete { name: String, path: PathBuf },
    #[error("the {kind} `{name}` is there already and holds something else; it stays as it is")]
    Occupied { kind: &'static str, name: String },
    #[error("cannot hand over to the {kind} `{name}`")]
    Refused { kind: &'static str, name: String, source: Box<kube::Error> },
    #[error(
        "`{name}` is nowhere: the authority was founded, but its keys were lost before they were handed over, or somebody has \
         removed them since. Put them back from a copy; if there is none and no node has joined yet, delete the volume of the \
         CA and install again"
    )]
    Lost { name: String },
}

impl HandOverError {
    pub(super) fn refused(kind: &'static str, name: &str, source: kube::Error) -> Self {
        Self::Refused { kind, name: name.to_owned(), source: Box::new(source) }
    }
}
