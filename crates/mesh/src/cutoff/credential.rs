//! What a cutoff looks at in a certificate.

use serde::{Deserialize, Serialize};

use crate::{Epoch, InstanceId, NodeEpoch, NodeName, Purpose, Serial, SpiffeId, SpkiDigest, Timestamp};

/// The facts of one verified leaf certificate that a cutoff or a directory entry can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credential {
    /// The one URI SAN.
    pub id: SpiffeId,
    /// The node binding of a workload's leaf, and of a node's own; `None` for operators and the authority.
    pub node: Option<NodeEpoch>,
    /// The instance of a workload's leaf.
    pub instance: Option<InstanceId>,
    /// The leaf's serial number.
    pub serial: Serial,
    /// The public key of the intermediate on the verified path.
    pub issuer: SpkiDigest,
    /// When it was issued: its `notBefore` without the backdating.
    pub issued_at: Timestamp,
    /// Its `notAfter`.
    pub not_after: Timestamp,
}

impl Credential {
    /// The epoch of `node` that this credential speaks for; `None` when it has nothing to do with that node.
    ///
    /// A node's own certificate that names no epoch of that node counts as the earliest there is: every cutoff of the
    /// node covers it, for nothing proves that it is a later life.
    pub fn life_on(&self, node: &NodeName) -> Option<Epoch> {
        let bound = self.node.as_ref().filter(|life| life.node == *node).map(|life| life.epoch);
        bound.or_else(|| self.own_node().filter(|own| own == node).map(|_| Epoch::new(0)))
    }

    /// The node whose own certificate this is.
    pub(super) fn own_node(&self) -> Option<NodeName> {
        match Purpose::of(&self.id) {
            Some(Purpose::Node(name)) => Some(name),
            _ => None,
        }
    }
}
