//! `bulkhead-ca init`: founds an authority in a new directory, all of it or nothing.

mod building_site;
mod ceremony;
mod error;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_identity::keys::{KeyStore, PrivateKey, StoredIdentity};
use bulkhead_identity::pem;
use bulkhead_mesh::{ControlRole, Levels, OperatorName, Serial, Timestamp, TrustDomain};

use crate::authority::layout::{self, SealedKey};
use crate::authority::{Authority, Control, IssuingKey, P256Key};
use crate::begin;
use crate::csr::RequestedKey;
use crate::dice::random as bytes;
use crate::draft::Draft;
use crate::lint::lint;
use crate::seal::{self, Unsealer};
use crate::sign::{Certificate, sign};
use building_site::{BuildingSite, make_directories};
use ceremony::Hierarchy;
pub use error::InitError;

/// What `bulkhead-ca init` is asked to make.
#[derive(Debug)]
pub struct Plan {
    /// The new mesh's trust domain.
    pub trust_domain: TrustDomain,
    /// The state directory; it must not exist or be empty, and must not be a mount point.
    pub directory: PathBuf,
    /// What opens the keys that `serve` uses.
    pub unsealer: Unsealer,
    /// What opens the root's key, if it is to be something else.
    pub root_unsealer: Option<Unsealer>,
    /// The first operator.
    pub operator: OperatorName,
    /// Where the operator's key and chain are written; by default [`layout::operator_file`]. Nothing may lie there.
    pub operator_file: Option<PathBuf>,
    /// How long the operator's certificate lives, see [`OPERATOR_LIFETIME`].
    pub operator_lifetime: Duration,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// The root certificate, for join tokens and bundles.
    pub root_certificate: PathBuf,
    /// The directory with the sealed root key, which should leave this host.
    pub root_directory: PathBuf,
    /// The first operator's key and chain.
    pub operator_file: PathBuf,
    /// The first operator's certificate.
    pub operator: Certificate,
}

impl Founded {
    /// What the person who founded the authority should do next.
    pub fn hint(&self) -> String {
        format!(
            "move {} off this host, to a place that is locked: `serve` never needs the root's key; give {} to its operator",
            self.root_directory.display(),
            self.operator_file.display()
        )
    }
}

/// The default lifetime of an operator's certificate.
pub const OPERATOR_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// Founds the authority; after an error nothing has changed, but that parents of the directory may have been made.
pub async fn run(plan: &Plan, now: Timestamp) -> Result<Founded, InitError> {
    let site = BuildingSite::open(&plan.directory)?;
    let hierarchy = Hierarchy::found(&plan.trust_domain, now)?;
    write_authority(&site, plan, &hierarchy)?;
    let (operator, identity) = first_operator(plan, &hierarchy.control_key()?, now)?;
    let public = pem::certificates(std::slice::from_ref(operator.der()));
    site.write(&layout::first_operator(site.path()), PUBLIC, public.as_bytes())?;
    let authority = Authority::load(site.path(), &plan.unsealer)?;
    begin::found(site.path(), &authority, (plan.operator.clone(), operator.clone()), now).await?;
    let operator_file = write_operator(site, plan, &identity)?;
    Ok(Founded {
        root_certificate: layout::root_certificate(&plan.directory),
        root_directory: layout::root_directory(&plan.directory),
        operator_file,
        operator,
    })
}

fn write_authority(site: &BuildingSite, plan: &Plan, hierarchy: &Hierarchy) -> Result<(), InitError> {
    let Hierarchy { root, issuing, control } = hierarchy;
    for (path, issued) in [
        (layout::root_certificate(site.path()), root),
        (layout::intermediate(site.path(), SealedKey::Issuing), issuing),
        (layout::intermediate(site.path(), SealedKey::Control), control),
    ] {
        let text = pem::certificates(std::slice::from_ref(&issued.certificate));
        site.write(&path, PUBLIC, text.as_bytes())?;
    }
    let by = &plan.unsealer;
    write_sealed(site, SealedKey::Root, &root.key, plan.root_unsealer.as_ref().unwrap_or(by))?;
    write_sealed(site, SealedKey::Issuing, &issuing.key, by)?;
    write_sealed(site, SealedKey::Control, &control.key, by)?;
    write_sealed(site, SealedKey::Role(ControlRole::Ca), &PrivateKey::generate()?, by)?;
    write_sealed(site, SealedKey::Role(ControlRole::Feed), &PrivateKey::generate()?, by)
}

fn write_sealed(site: &BuildingSite, name: SealedKey, key: &PrivateKey, by: &Unsealer) -> Result<(), InitError> {
    let sealed = seal::seal(key.as_pkcs8(), name.name(), by, &bytes()?)?;
    site.write(&name.path(site.path()), SECRET, &sealed)
}

fn first_operator(
    plan: &Plan,
    control: &IssuingKey<Control>,
    now: Timestamp,
) -> Result<(Certificate, StoredIdentity), InitError> {
    let key = PrivateKey::generate()?;
    let public = RequestedKey::of_own(&P256Key::new(&key)?);
    let terms = control.terms(Serial::from_random(bytes()?), now, plan.operator_lifetime);
    let draft = Draft::operator(&plan.trust_domain, plan.operator.clone(), public, terms)?;
    // An operator's certificate has no label, so any levels will do.
    let certificate = sign(lint(draft, control, &Levels::default())?, control)?;
    let chain = certificate.chain();
    Ok((certificate, StoredIdentity { key, chain }))
}

/// Writes the operator's file and finishes the directory; a file outside goes again when the directory fails.
fn write_operator(site: BuildingSite, plan: &Plan, identity: &StoredIdentity) -> Result<PathBuf, InitError> {
    let Some(outside) = plan.operator_file.as_deref() else {
        let inside = layout::operator_file(site.path(), &plan.operator);
        make_directories(&inside)?;
        KeyStore::new(inside).write(identity)?;
        site.finish()?;
        return Ok(layout::operator_file(&plan.directory, &plan.operator));
    };
    refuse_existing(outside)?;
    KeyStore::new(outside).write(identity)?;
    let finished = site.finish();
    if matches!(finished, Err(InitError::Finish { .. })) {
        // The error that is already there says more than one of this removal.
        let _ = fs::remove_file(outside);
    }
    finished.map(|()| outside.into())
}

fn refuse_existing(path: &Path) -> Result<(), InitError> {
    // A broken link counts as well.
    if path.symlink_metadata().is_ok() { Err(InitError::OperatorFile { path: path.into() }) } else { Ok(()) }
}

/// Certificates may be read by anybody who can enter the directory.
const PUBLIC: u32 = 0o644;
/// Sealed or not, a key is its owner's alone.
const SECRET: u32 = 0o600;

/// An issuing intermediate of a fresh authority, for unit tests.
#[cfg(test)]
pub(crate) fn issuing_key_for_tests(domain: &TrustDomain, now: Timestamp) -> IssuingKey<crate::authority::Issuing> {
    let issuing = Hierarchy::found(domain, now).unwrap().issuing;
    IssuingKey::new(issuing.certificate, P256Key::new(&issuing.key).unwrap()).unwrap()
}
