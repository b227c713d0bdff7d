//! As whom the operator calls, and by which roots the CA must prove itself: read from files, checked before anything
//! is connected.

mod error;
mod where_to_look;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_identity::profile::inspect;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{KeyStore, Limits, StoredIdentity, TrustBundle};
use bulkhead_mesh::{Levels, Purpose, Timestamp, TrustDomain};

pub use error::IdentityError;
pub use where_to_look::{Environment, roots};

/// An operator, ready to call.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The key and the certificate.
    pub own: OwnIdentity,
    /// The roots of the operator's own trust domain.
    pub bundle: TrustBundle,
}

impl Operator {
    /// Reads the operator's key and the roots: from the files that were named, or from the first of the usual ones.
    pub fn read(
        identity: Option<&Path>,
        roots: Option<&Path>,
        environment: &Environment,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let candidates = identity.map_or_else(|| environment.identities(), |path| vec![path.into()]);
        let (path, StoredIdentity { key, chain }) = first_identity(candidates)?;
        let trust_domain = trust_domain(&path, &chain[0], now)?;
        let own =
            OwnIdentity::new(chain, &key).map_err(|source| IdentityError::NotUsable { path: path.clone(), source })?;
        let candidates = roots.map_or_else(|| where_to_look::roots(&path), |path| vec![path.into()]);
        Ok(Self { own, bundle: bundle(trust_domain, candidates)? })
    }
}

/// The first file that exists must be right: to pass over one that is wrong would call as somebody else.
fn first_identity(candidates: Vec<PathBuf>) -> Result<(PathBuf, StoredIdentity), IdentityError> {
    for path in &candidates {
        if let Some(identity) = KeyStore::new(path).read()? {
            return Ok((path.clone(), identity));
        }
    }
    Err(IdentityError::NoIdentity { looked: candidates })
}

/// The trust domain of an operator's leaf. Whether anybody vouches for it is for the CA to say.
fn trust_domain(path: &Path, leaf: &[u8], now: Timestamp) -> Result<TrustDomain, IdentityError> {
    let path = || path.to_owned();
    let leaf = inspect(leaf, &Levels::default(), &Limits::default())
        .map_err(|source| IdentityError::Leaf { path: path(), source })?;
    if !matches!(leaf.purpose, Purpose::Operator(_)) {
        return Err(IdentityError::NotAnOperator { path: path(), id: leaf.content.id });
    }
    if leaf.not_after < now {
        return Err(IdentityError::Expired { path: path(), not_after: leaf.not_after });
    }
    Ok(leaf.content.id.trust_domain().clone())
}

fn bundle(trust_domain: TrustDomain, candidates: Vec<PathBuf>) -> Result<TrustBundle, IdentityError> {
    for path in &candidates {
        match fs::read_to_string(path) {
            Ok(text) => {
                return TrustBundle::from_pem(trust_domain, &text)
                    .map_err(|source| IdentityError::Roots { path: path.clone(), source });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(IdentityError::ReadRoots { path: path.clone(), source }),
        }
    }
    Err(IdentityError::NoRoots { looked: candidates })
}
