//! Reads the authority from its directory; the root's key is neither needed nor looked for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_identity::bundle::BundleError;
use bulkhead_identity::keys::{KeyError, PrivateKey};
use bulkhead_identity::{Leaf, LeafError, Limits, TrustBundle, profile};
use bulkhead_mesh::{ControlRole, Levels};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};

use super::issuer::{IssuerError, Station, inspect, is_signed_by};
use super::issuing_key::{IssuingKey, IssuingKeyError, Scope};
use super::key::P256Key;
use super::layout::{self, SealedKey};
use super::{Authority, Control, Issuing};
use crate::seal::{self, SealError, Unsealer};

impl Authority {
    /// Opens the authority that `bulkhead-ca init` made in this directory.
    pub fn load(directory: &Path, unsealer: &Unsealer) -> Result<Self, LoadError> {
        let root = certificate(&layout::root_certificate(directory))?;
        let facts = inspect(&root, Station::ROOT).map_err(|source| LoadError::Root { source })?;
        Ok(Self {
            issuing: intermediate::<Issuing>(directory, SealedKey::Issuing, &root, unsealer)?,
            control: intermediate::<Control>(directory, SealedKey::Control, &root, unsealer)?,
            ca: unseal(directory, SealedKey::Role(ControlRole::Ca), unsealer)?,
            feed: unseal(directory, SealedKey::Role(ControlRole::Feed), unsealer)?,
            bundle: TrustBundle::new(facts.trust_domain, vec![root])?,
        })
    }
}

/// The first operator's certificate, which was issued before there was a record to put it on.
pub fn first_operator(directory: &Path) -> Result<(CertificateDer<'static>, Leaf), LoadError> {
    let path = layout::first_operator(directory);
    let der = certificate(&path)?;
    // An operator's certificate has no label, so any levels will do.
    let leaf = profile::inspect(&der, &Levels::default(), &Limits::default())
        .map_err(|source| LoadError::Operator { path, source })?;
    Ok((der, leaf))
}

/// Why a directory holds no authority that can be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LoadError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} holds no certificate in PEM", path = .path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("the root certificate is not that of a root")]
    Root { source: IssuerError },
    #[error("the root certificate makes no trust bundle")]
    Bundle(#[from] BundleError),
    #[error("cannot open the sealed key {path}", path = .path.display())]
    Unseal { path: PathBuf, source: SealError },
    #[error("{path} holds no usable key", path = .path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error("{path} is not the certificate of the intermediate beside it", path = .path.display())]
    Intermediate { path: PathBuf, source: Box<IssuingKeyError> },
    #[error("{path} was not signed by the root of this directory", path = .path.display())]
    OtherRoot { path: PathBuf },
    #[error("{path} is not an operator's certificate", path = .path.display())]
    Operator { path: PathBuf, source: LeafError },
}

impl LoadError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("`bulkhead-ca init` makes the directory of a CA")
            }
            Self::Unseal { source, .. } => source.hint(),
            Self::Read { .. } => None,
            _ => Some("restore the directory from a backup"),
        }
    }
}

fn intermediate<S: Scope>(
    directory: &Path,
    name: SealedKey,
    root: &CertificateDer<'_>,
    unsealer: &Unsealer,
) -> Result<IssuingKey<S>, LoadError> {
    let path = layout::intermediate(directory, name);
    let certificate = certificate(&path)?;
    if !is_signed_by(&certificate, root) {
        return Err(LoadError::OtherRoot { path });
    }
    let key = P256Key::new(&unseal(directory, name, unsealer)?)
        .map_err(|source| LoadError::Key { path: name.path(directory), source })?;
    IssuingKey::new(certificate, key).map_err(|source| LoadError::Intermediate { path, source: Box::new(source) })
}

fn unseal(directory: &Path, name: SealedKey, unsealer: &Unsealer) -> Result<PrivateKey, LoadError> {
    let path = name.path(directory);
    let sealed = read(&path)?;
    let mut pkcs8 = seal::open(&sealed, name.name(), unsealer)
        .map_err(|source| LoadError::Unseal { path: path.clone(), source })?;
    PrivateKey::from_pkcs8(std::mem::take(&mut *pkcs8)).map_err(|source| LoadError::Key { path, source })
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, LoadError> {
    CertificateDer::from_pem_slice(&read(path)?).map_err(|source| LoadError::Pem { path: path.into(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| LoadError::Read { path: path.into(), source })
}
