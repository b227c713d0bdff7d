//! The leaf profile of this mesh (SPIFFE X.509-SVID, RFC 5280), as data and as one check.
//!
//! The CA runs the check on a copy signed with a throw-away key before it signs in earnest; the verifier runs it on
//! what a peer shows. So a leaf that the CA can issue is a leaf that peers accept, and no other is.

mod error;
mod extensions;
mod rules;

use std::time::Duration;

use bulkhead_mesh::{InstanceId, Label, Levels, NodeEpoch, Purpose, Serial, SpiffeId, SpkiDigest, Timestamp};
use der::{Encode, Tag, Tagged};

pub use error::LeafError;

use crate::certificate::{Certificate, Limits};
use crate::{NodeBinding, oid};

/// How far notBefore lies before the moment of issue: a joining node's clock may be behind ours (RFC 5280, 4.1.2.5).
pub const BACKDATED: Duration = Duration::from_mins(1);
/// The value of basicConstraints: cA and pathLenConstraint at their defaults, so CA:FALSE (RFC 5280, 4.2.1.9).
pub const BASIC_CONSTRAINTS: &[u8] = &[0x30, 0x00];
/// The value of keyUsage: digitalSignature alone (RFC 5280, 4.2.1.3; X.509-SVID, section 4.3).
pub const KEY_USAGE: &[u8] = &[0x03, 0x02, 0x07, 0x80];

/// What a leaf says about its holder: all of it decided by the CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafContent {
    /// The one name.
    pub id: SpiffeId,
    /// A workload's sensitivity label, and nobody else's.
    pub label: Option<Label>,
    /// The node that a workload runs on, or that a node is; nobody else's.
    pub node: Option<NodeEpoch>,
    /// A workload's running copy, and nobody else's.
    pub instance: Option<InstanceId>,
}

/// A leaf that has the form of the profile. Nobody has vouched for it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What it says about its holder.
    pub content: LeafContent,
    /// What its name is for.
    pub purpose: Purpose,
    /// Its serial number.
    pub serial: Serial,
    /// The first second of its validity, [`BACKDATED`].
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// SHA-256 of its own SubjectPublicKeyInfo.
    pub key: SpkiDigest,
}

impl Leaf {
    /// The moment at which it was issued: notBefore without the allowance for clocks.
    pub fn issued_at(&self) -> Timestamp {
        self.not_before.plus(BACKDATED)
    }
}

/// Reads one DER certificate and checks it against the profile to the letter; its signature is not looked at.
pub fn inspect(der: &[u8], levels: &Levels, limits: &Limits) -> Result<Leaf, LeafError> {
    let certificate = Certificate::read(der, limits)?;
    let serial = serial(&certificate)?;
    check_subject(&certificate)?;
    check_key(&certificate)?;
    let (not_before, not_after) = (certificate.not_before()?, certificate.not_after()?);
    if not_before > not_after {
        return Err(LeafError::Validity { not_before, not_after });
    }
    extensions::check(&certificate)?;
    let id = extensions::identity(&certificate)?;
    let purpose = Purpose::of(&id).ok_or_else(|| LeafError::NoPurpose { id: id.clone() })?;
    let label = extensions::label(&certificate, levels)?;
    let binding = extensions::binding(&certificate)?;
    check_presence(&purpose, label.is_some(), binding.as_ref())?;
    let (node, instance) = binding.map_or((None, None), |binding| (Some(binding.node), binding.instance));
    let content = LeafContent { id, label, node, instance };
    Ok(Leaf { content, purpose, serial, not_before, not_after, key: certificate.key_digest()? })
}

/// RFC 5280, section 4.1.2.2, and ours: the 16 octets that [`Serial::from_random`] makes.
fn serial(certificate: &Certificate<'_>) -> Result<Serial, LeafError> {
    let octets = certificate.body.serial.as_bytes();
    let refuse = || LeafError::Serial { octets: octets.len() };
    let bytes: [u8; 16] = octets.try_into().map_err(|_| refuse())?;
    let serial = Serial::from_bytes(bytes);
    if Serial::from_random(bytes) == serial { Ok(serial) } else { Err(refuse()) }
}

/// The name stands in the SAN alone (X.509-SVID, section 2), so a second name cannot contradict it.
fn check_subject(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    let subject = certificate.body.subject;
    if subject.tag() == Tag::Sequence && subject.value().is_empty() { Ok(()) } else { Err(LeafError::Subject) }
}

/// RFC 5480: an uncompressed point on P-256, the curve named.
fn check_key(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    let key = &certificate.body.key;
    let curve = key.algorithm.parameters.and_then(|parameters| parameters.to_der().ok());
    let on_p256 = key.algorithm.id == oid::EC_PUBLIC_KEY && curve == oid::P256.to_der().ok();
    let uncompressed = matches!(key.bits.as_bytes(), Some([4, point @ ..]) if point.len() == 64);
    if on_p256 && uncompressed { Ok(()) } else { Err(LeafError::Key { algorithm: key.algorithm.id }) }
}

/// A workload has a label, a node and an instance; a node is itself and has no instance; nobody else has any of them.
fn check_presence(purpose: &Purpose, label: bool, binding: Option<&NodeBinding>) -> Result<(), LeafError> {
    let (wants_label, wants_node, wants_instance) = match purpose {
        Purpose::Workload(_) => (true, true, true),
        Purpose::Node(_) => (false, true, false),
        Purpose::Operator(_) | Purpose::Control(_) => (false, false, false),
    };
    let has_instance = binding.is_some_and(|binding| binding.instance.is_some());
    for (what, wanted, found) in [
        ("label", wants_label, label),
        ("node", wants_node, binding.is_some()),
        ("instance", wants_instance, has_instance),
    ] {
        if wanted != found {
            return Err(LeafError::Presence { purpose: purpose.clone(), what, wanted });
        }
    }
    match (purpose, binding) {
        (Purpose::Node(name), Some(binding)) if *name != binding.node.node => {
            Err(LeafError::AnotherNode { name: name.clone(), bound: binding.node.clone() })
        }
        _ => Ok(()),
    }
}
