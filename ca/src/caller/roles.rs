//! What a caller can be, and what must be on record for it.

use std::net::IpAddr;

use bulkhead_identity::peer::VerifiedPeer;
use bulkhead_mesh::{
    ControlRole, Credential, InstanceId, NodeEpoch, OperatorName, Purpose, Serial, SpiffeId, Timestamp,
};

use super::{Caller, NotAllowed};
use crate::ca::Punctuality;
use crate::store::{self, RegistrationRecord, RegistrationState, Snapshot};

/// A role that a face demands.
pub trait Role: Clone + Send + Sync + 'static {
    /// Recognises the holder of a certificate that was verified and that is on record.
    fn recognise(peer: &VerifiedPeer, at: Punctuality, now: &Snapshot<'_>) -> Result<Self, NotAllowed>;
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
    /// The address that the instance owns; `None` for a node.
    pub address: Option<IpAddr>,
    /// What a cutoff looks at.
    pub credential: Credential,
}

/// The one who writes what stands where in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySource {
    /// When its certificate ends, and its stream with it.
    pub not_after: Timestamp,
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
    fn recognise(peer: &VerifiedPeer, at: Punctuality, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        Self::try_from(RenewingNode::recognise(peer, at, now)?)
    }
}

impl Role for RenewingNode {
    fn recognise(peer: &VerifiedPeer, at: Punctuality, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        let Purpose::Node(_) = peer.purpose() else {
            return Err(NotAllowed::WrongPurpose { id: peer.id().clone(), wanted: "a node" });
        };
        let life = life_of(peer)?;
        now.admitted_node(&life)?;
        Ok(Self { life, serial: peer.serial(), is_late: at == Punctuality::Late })
    }
}

impl TryFrom<RenewingNode> for Node {
    type Error = NotAllowed;

    fn try_from(node: RenewingNode) -> Result<Self, NotAllowed> {
        let RenewingNode { life, is_late, .. } = node;
        if is_late { Err(NotAllowed::Late { life }) } else { Ok(Self { life }) }
    }
}

impl TryFrom<Caller<RenewingNode>> for Caller<Node> {
    type Error = NotAllowed;

    fn try_from(caller: Caller<RenewingNode>) -> Result<Self, NotAllowed> {
        Node::try_from(caller.0).map(Self)
    }
}

impl Role for Watcher {
    fn recognise(peer: &VerifiedPeer, at: Punctuality, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        let (id, credential) = (peer.id().clone(), peer.credential().clone());
        let (life, instance) = match peer.purpose() {
            Purpose::Workload(_) => (life_of(peer)?, peer.instance().copied()),
            Purpose::Node(_) => (Node::recognise(peer, at, now)?.life, None),
            _ => return Err(NotAllowed::WrongPurpose { id, wanted: "a workload or a node" }),
        };
        let watcher = Self { id, life, instance, address: None, credential };
        let address = watcher.check(now)?;
        Ok(Self { address, ..watcher })
    }
}

impl Watcher {
    /// Refuses a watcher whose node is not served or whose instance is not registered any more; the address that the
    /// instance owns.
    pub(crate) fn check(&self, now: &Snapshot<'_>) -> Result<Option<IpAddr>, NotAllowed> {
        now.admitted_node(&self.life)?;
        let Some(instance) = self.instance else { return Ok(None) };
        let gone = || NotAllowed::Gone { id: self.id.clone(), node: self.life.clone() };
        let living = |copy: &RegistrationRecord| copy.node == self.life && copy.state == RegistrationState::Registered;
        Ok(Some(now.registration(instance)?.filter(living).ok_or_else(gone)?.address))
    }
}

impl Role for DirectorySource {
    fn recognise(peer: &VerifiedPeer, _: Punctuality, _: &Snapshot<'_>) -> Result<Self, NotAllowed> {
        match peer.purpose() {
            Purpose::Control(ControlRole::Directory) => Ok(Self { not_after: peer.not_after() }),
            _ => Err(NotAllowed::WrongPurpose { id: peer.id().clone(), wanted: "the source of the directory" }),
        }
    }
}

impl Role for Operator {
    fn recognise(peer: &VerifiedPeer, _: Punctuality, now: &Snapshot<'_>) -> Result<Self, NotAllowed> {
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
