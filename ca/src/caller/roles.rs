//! What a caller can be, and what must be on record for it.

use std::sync::Arc;

use bulkhead_identity::peer::VerifiedPeer;
use bulkhead_mesh::{Credential, InstanceId, NodeEpoch, OperatorName, Purpose, Serial, SpiffeId};

use super::{Caller, NotAllowed};
use crate::store::{self, CertificateRecord, Snapshot};

/// A role that a face demands.
pub trait Role: Clone + Send + Sync + 'static {
    /// Recognises the holder of a certificate that was verified and that is on record.
    fn recognise(
        peer: &Arc<VerifiedPeer>,
        on_record: &CertificateRecord,
        now: &Snapshot<'_>,
    ) -> Result<Self, NotAllowed>;
}

/// An admitted node with a certificate that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which node, in which life.
    pub life: NodeEpoch,
}

/// An admitted node, its certificate possibly ended a while ago: may renew, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewingNode {
    /// Which node, in which life.
    pub life: NodeEpoch,
    /// The certificate that it shows.
    pub serial: Serial,
    /// Whether that has ended.
    pub is_late: bool,
}

/// Somebody who may watch the feed: a living workload instance, or a node for its registrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watcher {
    /// Its certificate's identity.
    pub id: SpiffeId,
    /// The node that it stands on, or is.
    pub life: NodeEpoch,
    /// The instance; `None` for a node.
    pub instance: Option<InstanceId>,
    /// What a cutoff looks at.
    pub credential: Credential,
}

/// An operator, with the role on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub name: OperatorName,
    /// The certificate's identity.
    pub id: SpiffeId,
    /// How much may be commanded.
    pub role: store::Role,
}

impl Role for Node {
    fn recognise(peer: &Arc<VerifiedPeer>, _: &CertificateRecord, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        if peer.is_late() {
            return Err(NotAllowed::Late { life: life_of(peer)? });
        }
        RenewingNode::life(peer, now).map(|life| Self { life })
    }
}

impl Role for RenewingNode {
    fn recognise(peer: &Arc<VerifiedPeer>, _: &CertificateRecord, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        Ok(Self { life: Self::life(peer, now)?, serial: peer.serial(), is_late: peer.is_late() })
    }
}

impl RenewingNode {
    fn life(peer: &VerifiedPeer, now: &Snapshot<'_>) -> Result<NodeEpoch, NotAllowed> {
        let Purpose::Node(_) = peer.purpose() else {
            return Err(NotAllowed::WrongPurpose { id: peer.id().clone(), wanted: "a node" });
        };
        let life = life_of(peer)?;
        now.admitted_node(&life)?;
        Ok(life)
    }
}

impl TryFrom<Caller<RenewingNode>> for Caller<Node> {
    type Error = NotAllowed;

    fn try_from(caller: Caller<RenewingNode>) -> Result<Self, NotAllowed> {
        let RenewingNode { life, is_late, .. } = caller.0;
        if is_late { Err(NotAllowed::Late { life }) } else { Ok(Self(Node { life })) }
    }
}

impl Role for Watcher {
    fn recognise(
        peer: &Arc<VerifiedPeer>,
        on_record: &CertificateRecord,
        now: &Snapshot<'_>,
    ) -> Result<Self, NotAllowed> {
        let (id, instance) = (peer.id().clone(), peer.instance().copied());
        match peer.purpose() {
            Purpose::Workload(_) => {
                let life = life_of(peer)?;
                now.admitted_node(&life)?;
                let living = instance.map(|instance| now.registration(instance)).transpose()?.flatten();
                if living.is_none() {
                    return Err(NotAllowed::Gone { id, node: life });
                }
                Ok(Self { id, life, instance, credential: peer.credential().clone() })
            }
            Purpose::Node(_) => {
                let life = Node::recognise(peer, on_record, now)?.life;
                Ok(Self { id, life, instance: None, credential: peer.credential().clone() })
            }
            _ => Err(NotAllowed::WrongPurpose { id, wanted: "a workload or a node" }),
        }
    }
}

impl Role for Operator {
    fn recognise(peer: &Arc<VerifiedPeer>, _: &CertificateRecord, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        let id = peer.id().clone();
        let Purpose::Operator(name) = peer.purpose() else {
            return Err(NotAllowed::WrongPurpose { id, wanted: "an operator" });
        };
        let record = now.operator(name)?.ok_or(NotAllowed::NoOperator { id: id.clone() })?;
        Ok(Self { name: name.clone(), id, role: record.role })
    }
}

fn life_of(peer: &VerifiedPeer) -> Result<NodeEpoch, NotAllowed> {
    peer.node_epoch().cloned().ok_or_else(|| NotAllowed::Unbound { id: peer.id().clone() })
}
