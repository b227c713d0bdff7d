//! A peer that was verified.

use bulkhead_mesh::{Credential, InstanceId, Label, NodeEpoch, Purpose, Serial, SpiffeId, SpkiDigest, Timestamp};

use crate::profile::Leaf;

/// Who is on the other side, as its verified certificate says. Only [`super::Verifier::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPeer {
    credential: Credential,
    purpose: Purpose,
    label: Option<Label>,
    key: SpkiDigest,
    late: bool,
}

impl VerifiedPeer {
    pub(super) fn new(leaf: Leaf, issuer: SpkiDigest, now: Timestamp) -> Self {
        let issued_at = leaf.issued_at();
        let Leaf { content, purpose, serial, not_after, key, .. } = leaf;
        let credential = Credential {
            id: content.id,
            node: content.node,
            instance: content.instance,
            serial,
            issuer,
            issued_at,
            not_after,
        };
        Self { credential, purpose, label: content.label, key, late: now > not_after }
    }

    /// Its one name.
    pub fn id(&self) -> &SpiffeId {
        &self.credential.id
    }

    /// What its name is for.
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// A workload's label; every workload has one and nobody else does.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// The node that a workload runs on, or that a node is.
    pub fn node_epoch(&self) -> Option<&NodeEpoch> {
        self.credential.node.as_ref()
    }

    /// A workload's running copy.
    pub fn instance(&self) -> Option<&InstanceId> {
        self.credential.instance.as_ref()
    }

    /// Its certificate's serial number.
    pub fn serial(&self) -> Serial {
        self.credential.serial
    }

    /// The digest of the key that signed its certificate.
    pub fn issuer(&self) -> SpkiDigest {
        self.credential.issuer
    }

    /// The digest of its own key.
    pub fn key(&self) -> SpkiDigest {
        self.key
    }

    /// When its certificate was issued: notBefore without the allowance for clocks.
    pub fn issued_at(&self) -> Timestamp {
        self.credential.issued_at
    }

    /// When its certificate ends, and a connection with it.
    pub fn not_after(&self) -> Timestamp {
        self.credential.not_after
    }

    /// Whether its certificate had already ended when it was verified: a node within its grace, which may renew and
    /// nothing else.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// What a cutoff looks at.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }
}
