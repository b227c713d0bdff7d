//! Why there is nobody to call as.

use std::io;
use std::path::PathBuf;

use bulkhead_identity::tls::OwnIdentityError;
use bulkhead_identity::{KeyError, LeafError, bundle::BundleError};
use bulkhead_mesh::{SpiffeId, Timestamp};

/// Why the operator's key or the roots cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum IdentityError {
    #[error("there is no operator's key; looked for {}", list(.looked))]
    NoIdentity { looked: Vec<PathBuf> },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the certificate in {path} is no leaf of a mesh", path = .path.display())]
    Leaf { path: PathBuf, source: LeafError },
    #[error("the certificate in {path} is that of `{id}`, which is no operator", path = .path.display())]
    NotAnOperator { path: PathBuf, id: SpiffeId },
    #[error("the operator's certificate in {path} ended at {not_after}", path = .path.display())]
    Expired { path: PathBuf, not_after: Timestamp },
    #[error("the key and the certificate in {path} cannot be used", path = .path.display())]
    NotUsable { path: PathBuf, source: OwnIdentityError },
    #[error("there are no roots to know the CA by; looked for {}", list(.looked))]
    NoRoots { looked: Vec<PathBuf> },
    #[error("cannot read the roots in {path}", path = .path.display())]
    ReadRoots { path: PathBuf, source: io::Error },
    #[error("the roots in {path} are no trust bundle", path = .path.display())]
    Roots { path: PathBuf, source: BundleError },
}

impl IdentityError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoIdentity { .. } => {
                Some("name the file that `bulkhead-ca init` wrote with `--identity` or `BULKHEAD_IDENTITY`".into())
            }
            Self::Key(error) => error.hint(),
            Self::Expired { .. } => Some("an owner of the mesh can issue another one".into()),
            Self::NoRoots { .. } => Some("name the CA's root certificate with `--roots` or `BULKHEAD_ROOTS`".into()),
            Self::Roots { source, .. } => Some(source.hint().into()),
            _ => None,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
