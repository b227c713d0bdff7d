//! The file with the roots of the mesh, which somebody may replace while this runs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bulkhead_identity::TrustBundle;
use bulkhead_identity::bundle::BundleError;
use bulkhead_mesh::TrustDomain;

/// A trust domain and the PEM file that holds its roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootsFile {
    path: PathBuf,
    trust_domain: TrustDomain,
}

impl RootsFile {
    /// The roots of this trust domain, in this file.
    pub fn new(path: impl Into<PathBuf>, trust_domain: TrustDomain) -> Self {
        Self { path: path.into(), trust_domain }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For which trust domain the roots vouch.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Reads the roots that are there now.
    pub fn read(&self) -> Result<TrustBundle, RootsError> {
        let failed = |source| RootsError::Read { path: self.path.clone(), source };
        let mut text = String::new();
        File::open(&self.path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text)).map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(RootsError::TooLarge { path: self.path.clone(), limit: MAX_BYTES });
        }
        let bundle = TrustBundle::from_pem(self.trust_domain.clone(), &text);
        bundle.map_err(|source| RootsError::Bundle { path: self.path.clone(), source: Box::new(source) })
    }
}

/// Why there are no roots.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RootsError {
    #[error("cannot read the roots {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} has more than {limit} bytes", path = .path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{path} holds no roots", path = .path.display())]
    Bundle { path: PathBuf, source: Box<BundleError> },
}

impl RootsError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::TooLarge { .. } => "`--roots` must name a PEM file that this user may read",
            Self::Bundle { source, .. } => source.hint(),
        }
    }
}

/// A ConfigMap holds no more than that, and some hundred roots do.
const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_file_of_roots_is_said_with_its_path_and_a_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let file = RootsFile::new(directory.path().join("root.pem"), "prod.example".parse().unwrap());
        let check = |sentence: &str, hint: &str| {
            let error = file.read().unwrap_err();
            assert!(error.to_string().contains(sentence) && error.to_string().contains("root.pem"), "{error}");
            assert!(error.hint().contains(hint), "{}", error.hint());
        };
        check("cannot read", "--roots");
        fs::write(file.path(), "").unwrap();
        check("holds no roots", "root certificates");
        fs::write(file.path(), [0xff]).unwrap();
        check("cannot read", "--roots");
        fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").unwrap();
        check("holds no roots", "root certificates");
        fs::write(file.path(), " ".repeat(1 + usize::try_from(MAX_BYTES).unwrap())).unwrap();
        check("more than", "--roots");
    }
}
