//! What this workload is, as its certificate says.

use std::sync::Arc;

use bulkhead_identity::profile::inspect;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{Leaf, LeafError, Limits, TrustBundle};
use bulkhead_mesh::{Label, Level, Levels, Party, Purpose, SpiffeId, Timestamp, WorkloadName};

/// A certificate as it was given, with its key and the roots of the mesh: enough to speak to the CA.
///
/// The name of its level is not known before the policy is, and the policy comes over a connection made with this.
#[derive(Clone, Debug)]
pub struct Svid {
    /// The chain and the key.
    pub identity: OwnIdentity,
    /// The roots of the mesh.
    pub bundle: Arc<TrustBundle>,
    /// Rises with each new certificate, key or set of roots; 0 before it is published.
    pub generation: u64,
    id: SpiffeId,
    not_after: Timestamp,
}

/// What this workload is to everybody else: a certificate whose label was read with the levels that the policy names.
#[derive(Clone, Debug)]
pub struct Own {
    /// The chain and the key.
    pub identity: OwnIdentity,
    /// What the certificate says.
    pub leaf: Leaf,
    /// The roots of the mesh.
    pub bundle: Arc<TrustBundle>,
    /// Rises with each new certificate, key or set of roots.
    pub generation: u64,
    name: WorkloadName,
    label: Label,
}

impl Svid {
    /// A certificate that has the form of a workload's; which level its label has is not looked at.
    pub fn new(identity: OwnIdentity, bundle: Arc<TrustBundle>) -> Result<Self, OwnError> {
        let leaf = read(&identity, &any_level())?;
        match leaf.purpose {
            Purpose::Workload(_) => {}
            _ => return Err(OwnError::NotWorkload { id: leaf.content.id }),
        }
        Ok(Self { identity, bundle, generation: 0, id: leaf.content.id, not_after: leaf.not_after })
    }

    /// The same, as this generation of what the workload is.
    #[must_use]
    pub fn of_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// The one name in the certificate.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// The last moment of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether this is the same certificate with the same roots, whatever its generation.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.identity.chain() == other.identity.chain() && self.bundle == other.bundle
    }
}

impl Own {
    /// What the certificate says in a mesh with these levels.
    pub fn new(svid: &Svid, levels: &Levels) -> Result<Self, OwnError> {
        let Svid { identity, bundle, generation, .. } = svid.clone();
        let leaf = read(&identity, levels)?;
        let (name, label) = match (&leaf.purpose, &leaf.content.label) {
            (Purpose::Workload(name), Some(label)) => (name.clone(), label.clone()),
            _ => return Err(OwnError::NotWorkload { id: leaf.content.id }),
        };
        Ok(Self { identity, leaf, bundle, generation, name, label })
    }

    /// This workload's label.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// This workload as the policy sees it.
    pub fn party(&self) -> Party<'_> {
        Party::Workload { name: &self.name, label: &self.label }
    }
}

fn read(identity: &OwnIdentity, levels: &Levels) -> Result<Leaf, OwnError> {
    let leaf = identity.chain().first().ok_or(OwnError::NoCertificate)?;
    Ok(inspect(leaf, levels, &Limits::default())?)
}

/// Levels of which every number is one, under names that nobody sees.
pub(super) fn any_level() -> Levels {
    let level = |number| Level { name: level_name(number), number };
    Levels::new((LOWEST..=HIGHEST).map(level).collect()).expect("each number has one name")
}

fn level_name(number: u8) -> bulkhead_mesh::LevelName {
    format!("level-{number}").parse().expect("letters, a hyphen and digits are a name")
}

/// Why a certificate is not this workload's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum OwnError {
    #[error("the own chain holds no certificate")]
    NoCertificate,
    #[error("the own certificate is no leaf of this mesh")]
    Leaf(#[from] LeafError),
    #[error("`{id}` is the name of no workload")]
    NotWorkload { id: SpiffeId },
}

/// The bits of a classList that a mesh gives to its levels; those below are X.841's.
const LOWEST: u8 = 6;
const HIGHEST: u8 = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_that_a_certificate_may_have_is_a_level() {
        let levels = any_level();
        assert!((LOWEST..=HIGHEST).all(|number| levels.numbered(number).is_some()));
        assert!(Levels::default().iter().all(|level| (LOWEST..=HIGHEST).contains(&level.number)));
    }
}
