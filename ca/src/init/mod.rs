//! `bulkhead-ca init`: founds an authority in a new directory, all of it or nothing.

mod building_site;
mod ceremony;
mod error;
mod existing;
mod outside;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_identity::keys::{KeyStore, PrivateKey, StoredIdentity};
use bulkhead_identity::pem;
use bulkhead_mesh::{ControlRole, Levels, OperatorName, Serial, Timestamp, TrustDomain};

use crate::authority::layout::{self, SealedKey};
use crate::authority::{Authority, Control, IssuingKey, P256Key};
use crate::begin::{self, FirstPolicy};
use crate::csr::RequestedKey;
use crate::dice::random as bytes;
use crate::draft::Draft;
use crate::lint::lint;
use crate::seal::{self, Unsealer};
use crate::sign::{Certificate, sign};
use crate::store::Role;
use building_site::{BuildingSite, make_directories};
use ceremony::Hierarchy;
pub use error::InitError;
pub use existing::RootError;
use outside::Outside;

/// What `bulkhead-ca init` is asked to make.
#[derive(Debug)]
pub struct Plan {
    /// The new mesh's trust domain.
    pub trust_domain: TrustDomain,
    /// The state directory; it must not exist or be empty, and must not be a mount point.
    pub directory: PathBuf,
    /// What opens the keys that `serve` uses.
    pub unsealer: Unsealer,
    /// Which root the authority is founded under.
    pub root: RootPlan,
    /// What opens the root's key, if it is something else.
    pub root_unsealer: Option<Unsealer>,
    /// The first policy, in YAML; the default one, if there is none.
    pub policy: Option<String>,
    /// The first operator.
    pub operator: OperatorName,
    /// Where the operator's key and chain are written; by default [`layout::operator_file`]. Nothing may lie there.
    pub operator_file: Option<PathBuf>,
    /// How long an operator's certificate lives, see [`OPERATOR_LIFETIME`].
    pub operator_lifetime: Duration,
    /// A second operator, of role `responder`, and where that one's key and chain are written. Nothing may lie there.
    pub responder: Option<(OperatorName, PathBuf)>,
}

impl Plan {
    fn root_unsealer(&self) -> &Unsealer {
        self.root_unsealer.as_ref().unwrap_or(&self.unsealer)
    }
}

/// The root of an authority that is to be founded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootPlan {
    /// A new one.
    New {
        /// Where its sealed key is written; by default [`layout::root_directory`]. Nothing may lie there.
        directory: Option<PathBuf>,
    },
    /// One that exists: it signs the new intermediates, and nothing of it is kept but its certificate.
    Existing {
        /// Where its certificate `root.pem` and its sealed key `root.key.sealed` lie.
        directory: PathBuf,
    },
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// The root certificate, for join tokens and bundles.
    pub root_certificate: PathBuf,
    /// The directory with the sealed key of a new root, which should leave this host.
    pub root_directory: Option<PathBuf>,
    /// The first operator's key and chain.
    pub operator_file: PathBuf,
    /// The first operator's certificate.
    pub operator: Certificate,
    /// The responder's key and chain, if there is one.
    pub responder_file: Option<PathBuf>,
}

impl Founded {
    /// What the person who founded the authority should do next.
    pub fn hint(&self) -> String {
        let root = self.root_directory.as_ref().map_or_else(
            || "the root's key has done its work: let it not stay on this host".to_owned(),
            |root| {
                format!(
                    "move {} off this host, to a place that is locked: `serve` never needs the root's key",
                    root.display()
                )
            },
        );
        format!("{root}; give {} to its operator", self.operator_file.display())
    }
}

/// Whether an authority was founded in this directory: it appears whole or not at all.
pub fn is_founded(directory: &Path) -> bool {
    begin::records(directory).exists()
}

/// The default lifetime of an operator's certificate.
pub const OPERATOR_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// Founds the authority; after an error nothing has changed, but that parents of the directory may have been made.
pub async fn run(plan: &Plan, now: Timestamp) -> Result<Founded, InitError> {
    let policy = plan.policy.as_deref().map(FirstPolicy::read).transpose()?.unwrap_or_default();
    if let Some((name, _)) = plan.responder.as_ref().filter(|(name, _)| *name == plan.operator) {
        return Err(InitError::SameOperator { name: name.clone() });
    }
    let site = BuildingSite::open(&plan.directory)?;
    let hierarchy = hierarchy(plan, now)?;
    write_authority(&site, plan, &hierarchy)?;
    let control = hierarchy.control_key()?;
    let (operator, identity) = operator(plan, &plan.operator, &control, now)?;
    let public = pem::certificates(std::slice::from_ref(operator.der()));
    site.write(&layout::first_operator(site.path()), PUBLIC, public.as_bytes())?;
    let authority = Authority::load(site.path(), &plan.unsealer)?;
    let mut operators = vec![(plan.operator.clone(), Role::Owner, operator.clone())];
    let mut outside = Outside::default();
    if let Some((name, file)) = &plan.responder {
        let (certificate, identity) = self::operator(plan, name, &control, now)?;
        operators.push((name.clone(), Role::Responder, certificate));
        outside.write_identity(file, &identity)?;
    }
    begin::found(site.path(), &authority, operators, policy, now).await?;
    if let (RootPlan::New { directory: Some(directory) }, Some(key)) = (&plan.root, &hierarchy.root_key) {
        outside.write_sealed(directory, &SealedKey::Root.path(Path::new("")), &seal_root(plan, key)?)?;
    }
    let operator_file = write_operator(site, plan, &identity, outside)?;
    Ok(Founded {
        root_certificate: layout::root_certificate(&plan.directory),
        root_directory: match &plan.root {
            RootPlan::New { directory } => {
                Some(directory.clone().unwrap_or_else(|| layout::root_directory(&plan.directory)))
            }
            RootPlan::Existing { .. } => None,
        },
        operator_file,
        operator,
        responder_file: plan.responder.as_ref().map(|(_, file)| file.clone()),
    })
}

fn hierarchy(plan: &Plan, now: Timestamp) -> Result<Hierarchy, InitError> {
    match &plan.root {
        RootPlan::New { .. } => Hierarchy::found(&plan.trust_domain, now),
        RootPlan::Existing { directory } => Hierarchy::under(directory, plan.root_unsealer(), &plan.trust_domain, now),
    }
}

fn write_authority(site: &BuildingSite, plan: &Plan, hierarchy: &Hierarchy) -> Result<(), InitError> {
    let Hierarchy { root, root_key, issuing, control } = hierarchy;
    for (path, certificate) in [
        (layout::root_certificate(site.path()), root),
        (layout::intermediate(site.path(), SealedKey::Issuing), &issuing.certificate),
        (layout::intermediate(site.path(), SealedKey::Control), &control.certificate),
    ] {
        let text = pem::certificates(std::slice::from_ref(certificate));
        site.write(&path, PUBLIC, text.as_bytes())?;
    }
    let by = &plan.unsealer;
    if let (RootPlan::New { directory: None }, Some(key)) = (&plan.root, root_key) {
        site.write(&SealedKey::Root.path(site.path()), SECRET, &seal_root(plan, key)?)?;
    }
    write_sealed(site, SealedKey::Issuing, &issuing.key, by)?;
    write_sealed(site, SealedKey::Control, &control.key, by)?;
    write_sealed(site, SealedKey::Role(ControlRole::Ca), &PrivateKey::generate()?, by)?;
    write_sealed(site, SealedKey::Role(ControlRole::Feed), &PrivateKey::generate()?, by)
}

fn seal_root(plan: &Plan, key: &PrivateKey) -> Result<Vec<u8>, InitError> {
    Ok(seal::seal(key.as_pkcs8(), SealedKey::Root.name(), plan.root_unsealer(), &bytes()?)?)
}

fn write_sealed(site: &BuildingSite, name: SealedKey, key: &PrivateKey, by: &Unsealer) -> Result<(), InitError> {
    let sealed = seal::seal(key.as_pkcs8(), name.name(), by, &bytes()?)?;
    site.write(&name.path(site.path()), SECRET, &sealed)
}

fn operator(
    plan: &Plan,
    name: &OperatorName,
    control: &IssuingKey<Control>,
    now: Timestamp,
) -> Result<(Certificate, StoredIdentity), InitError> {
    let key = PrivateKey::generate()?;
    let public = RequestedKey::of_own(&P256Key::new(&key)?);
    let terms = control.terms(Serial::from_random(bytes()?), now, plan.operator_lifetime);
    let draft = Draft::operator(&plan.trust_domain, name.clone(), public, terms)?;
    // An operator's certificate has no label, so any levels will do.
    let certificate = sign(lint(draft, control, &Levels::default())?, control)?;
    let chain = certificate.chain();
    Ok((certificate, StoredIdentity { key, chain }))
}

/// Writes the operator's file and finishes the directory; what lies outside goes again when the directory fails.
fn write_operator(
    site: BuildingSite,
    plan: &Plan,
    identity: &StoredIdentity,
    mut outside: Outside,
) -> Result<PathBuf, InitError> {
    let file = if let Some(file) = &plan.operator_file {
        outside.write_identity(file, identity)?;
        file.clone()
    } else {
        let inside = layout::operator_file(site.path(), &plan.operator);
        make_directories(&inside)?;
        KeyStore::new(inside).write(identity)?;
        layout::operator_file(&plan.directory, &plan.operator)
    };
    let finished = site.finish();
    // A directory that may not survive a power cut is there.
    if matches!(finished, Ok(()) | Err(InitError::Durability { .. })) {
        outside.keep();
    }
    finished.map(|()| file)
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
