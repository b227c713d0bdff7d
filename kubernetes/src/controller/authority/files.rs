//! The files that Kubernetes keeps fresh in the pod: its token and the mesh's roots.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bulkhead_identity::TrustBundle;
use bulkhead_identity::bundle::BundleError;
use bulkhead_mesh::TrustDomain;

/// Where they lie.
#[derive(Clone, Debug)]
pub struct Files {
    /// The pod's token for the CA.
    pub token: PathBuf,
    /// The mesh's roots, PEM.
    pub roots: PathBuf,
    /// For which the roots vouch.
    pub trust_domain: TrustDomain,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum FileError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} has more than {MOST_BYTES} bytes", path = .path.display())]
    TooLarge { path: PathBuf },
    #[error("{path} is no trust bundle", path = .path.display())]
    Roots { path: PathBuf, source: BundleError },
}

impl FileError {
    /// What a person can do about it.
    pub const fn hint(&self) -> &'static str {
        "`--pod-token` must name the pod's projected token, and `--roots` the mesh's roots in the ConfigMap beside the CA"
    }
}

impl Files {
    /// The token, as it is now.
    pub fn token(&self) -> Result<String, FileError> {
        read(&self.token).map(|text| text.trim().to_owned())
    }

    /// The roots' text, as it is now, which holds certificates.
    pub fn roots_text(&self) -> Result<String, FileError> {
        self.roots_with_text().map(|(_, text)| text)
    }

    /// The roots, as they are now.
    pub fn roots(&self) -> Result<TrustBundle, FileError> {
        self.roots_with_text().map(|(bundle, _)| bundle)
    }

    fn roots_with_text(&self) -> Result<(TrustBundle, String), FileError> {
        let text = read(&self.roots)?;
        let bundle = TrustBundle::from_pem(self.trust_domain.clone(), &text);
        let bundle = bundle.map_err(|source| FileError::Roots { path: self.roots.clone(), source })?;
        // What goes into other namespaces is the certificates and nothing that stands beside them.
        let text = bundle.to_pem();
        Ok((bundle, text))
    }
}

fn read(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST_BYTES { Err(FileError::TooLarge { path: path.to_owned() }) } else { Ok(text) }
}

/// More than any token or any set of roots has.
const MOST_BYTES: u64 = 256 * 1024;
