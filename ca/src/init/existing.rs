//! A root that exists already: read from its directory, opened, and held against what a new one would be.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_identity::keys::{KeyError, PrivateKey};
use bulkhead_mesh::{Timestamp, TrustDomain};
use rcgen::PublicKeyData as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::authority::layout::SealedKey;
use crate::authority::{IssuerError, IssuerFacts, P256Key, Station, inspect, is_signed_by};
use crate::seal::{self, SealError, Unsealer};

/// A root's certificate and the key that goes with it.
pub(super) struct ExistingRoot {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: P256Key,
}

impl ExistingRoot {
    /// Opens the root in this directory. It must be one of `domain`, in force `now`, and live until `needed`.
    pub(super) fn open(
        directory: &Path,
        unsealer: &Unsealer,
        domain: &TrustDomain,
        now: Timestamp,
        needed: Timestamp,
    ) -> Result<Self, RootError> {
        let certificate = certificate(&directory.join(CERTIFICATE))?;
        let facts = inspect(&certificate, Station::ROOT)?;
        check_extensions(&certificate)?;
        if !is_signed_by(&certificate, &certificate) {
            return Err(RootError::NotSelfSigned);
        }
        check_domain(&facts, domain)?;
        check_validity(&facts, now, needed)?;
        let key = key(&SealedKey::Root.beside(directory), unsealer)?;
        if *facts.point == *key.der_bytes() { Ok(Self { certificate, key }) } else { Err(RootError::OtherKey) }
    }
}

/// Why a root that exists cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RootError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not PEM", path = .path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{path} must hold one certificate, the root's, and holds {found}", path = .path.display())]
    Certificates { path: PathBuf, found: usize },
    #[error("its certificate is not that of a root")]
    Profile(#[from] IssuerError),
    #[error("its certificate has the extension {oid}, which a root of ours has not")]
    Extension { oid: String },
    #[error("its certificate was not signed by its own key")]
    NotSelfSigned,
    #[error("it is the root of the trust domain `{found}`, not of `{expected}`")]
    OtherDomain { found: TrustDomain, expected: TrustDomain },
    #[error("it begins at {not_before} and is not in force yet")]
    NotYet { not_before: Timestamp },
    #[error("it ended at {not_after}")]
    Ended { not_after: Timestamp },
    #[error("it ends at {not_after}, before the intermediates that it is to sign, which end at {needed}")]
    TooShort { not_after: Timestamp, needed: Timestamp },
    #[error("cannot open the sealed key {path}", path = .path.display())]
    Unseal { path: PathBuf, source: SealError },
    #[error("{path} holds no usable key", path = .path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error("its certificate is that of another key")]
    OtherKey,
    #[error("its name has a form that cannot be repeated in what it signs")]
    Name,
}

impl RootError {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("the directory of a root holds its certificate root.pem and its sealed key root.key.sealed")
            }
            Self::Unseal { source: SealError::Refused | SealError::OtherMethod { .. }, .. } => Some(
                "name what the root was sealed with, by `--root-unseal-file` or `--root-passphrase-file`: it need not be what opens the other keys",
            ),
            Self::Unseal { source, .. } => source.hint(),
            Self::OtherKey => Some("root.pem and root.key.sealed must be those of one root"),
            Self::OtherDomain { .. } => {
                Some("a root serves one trust domain: name that one, or found under another root")
            }
            Self::NotYet { .. } => Some("look at this host's clock"),
            Self::Ended { .. } | Self::TooShort { .. } => Some("found the mesh under a new root"),
            Self::Pem { .. }
            | Self::Certificates { .. }
            | Self::Profile(_)
            | Self::Extension { .. }
            | Self::NotSelfSigned
            | Self::Key { .. }
            | Self::Name => Some("`bulkhead-ca init` makes roots that can be used again"),
            Self::Read { .. } => None,
        }
    }
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, RootError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|source| RootError::Pem { path: path.into(), source })?;
    <[_; 1]>::try_from(found)
        .map(|[certificate]| certificate)
        .map_err(|found| RootError::Certificates { path: path.into(), found: found.len() })
}

/// Name constraints, purposes and policies would bind what is below, which nobody has looked at here.
fn check_extensions(der: &[u8]) -> Result<(), RootError> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| IssuerError::Malformed)?;
    let other = certificate.extensions().iter().find(|extension| {
        !matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::SubjectKeyIdentifier(_)
                | ParsedExtension::AuthorityKeyIdentifier(_)
                | ParsedExtension::SubjectAlternativeName(_)
        )
    });
    other.map_or(Ok(()), |extension| Err(RootError::Extension { oid: extension.oid.to_id_string() }))
}

fn check_domain(facts: &IssuerFacts, expected: &TrustDomain) -> Result<(), RootError> {
    let found = &facts.trust_domain;
    let refused = || RootError::OtherDomain { found: found.clone(), expected: expected.clone() };
    if found == expected { Ok(()) } else { Err(refused()) }
}

fn check_validity(facts: &IssuerFacts, now: Timestamp, needed: Timestamp) -> Result<(), RootError> {
    let IssuerFacts { not_before, not_after, .. } = *facts;
    if now < not_before {
        Err(RootError::NotYet { not_before })
    } else if not_after < now {
        Err(RootError::Ended { not_after })
    } else if not_after < needed {
        Err(RootError::TooShort { not_after, needed })
    } else {
        Ok(())
    }
}

fn key(path: &Path, unsealer: &Unsealer) -> Result<P256Key, RootError> {
    let mut pkcs8 = seal::open(&read(path)?, SealedKey::Root.name(), unsealer)
        .map_err(|source| RootError::Unseal { path: path.into(), source })?;
    PrivateKey::from_pkcs8(std::mem::take(&mut *pkcs8))
        .and_then(|key| P256Key::new(&key))
        .map_err(|source| RootError::Key { path: path.into(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, RootError> {
    fs::read(path).map_err(|source| RootError::Read { path: path.into(), source })
}

const CERTIFICATE: &str = "root.pem";
