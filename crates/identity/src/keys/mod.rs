//! Private keys, and the file in which a key lives with its certificate chain.

mod private;
mod store;

use std::io;
use std::path::PathBuf;

pub use private::PrivateKey;
pub use store::{KeyStore, StoredIdentity};

/// Why a key could not be made, read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum KeyError {
    #[error("a private key could not be generated: no random bytes")]
    Generate,
    #[error("the private key could not sign")]
    Sign,
    #[error("the private key is not an unencrypted PKCS#8 key on P-256")]
    NotP256,
    #[error("{path} holds no private key", path = .path.display())]
    NoKey { path: PathBuf },
    #[error("{path} holds no certificate", path = .path.display())]
    NoCertificate { path: PathBuf },
    #[error("{path} is not PEM", path = .path.display())]
    Pem { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("cannot read the key file {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the key file {path}", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the key file {path} can be read by others (mode {mode:04o}), so its key is refused", path = .path.display())]
    Exposed { path: PathBuf, mode: u32 },
}

impl KeyError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exposed { path, .. } => {
                Some(format!("`chmod 600 {}`, and replace the key if somebody may have read it", path.display()))
            }
            Self::NotP256 => Some("the key must begin with `-----BEGIN PRIVATE KEY-----`".into()),
            _ => None,
        }
    }
}
