//! Why the CA does not serve a node.

use bulkhead_cluster::Uid;
use bulkhead_mesh::{Epoch, NodeEpoch, NodeName, Reason, Timestamp};

use crate::store::{Clearance, NodeRecord, NodeState};

/// Why a node was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum NodeRefusal {
    #[error("there is no node `{node}`")]
    Unknown { node: NodeName },
    #[error("node `{life}` was revoked at {at}: {reason}")]
    Revoked { life: NodeEpoch, at: Timestamp, reason: Reason },
    #[error("node `{life}` has been in quarantine since {at}: {reason}")]
    Quarantined { life: NodeEpoch, at: Timestamp, reason: Reason },
    #[error("node `{node}` is in epoch {current}, not in epoch {claimed}")]
    OtherEpoch { node: NodeName, current: Epoch, claimed: Epoch },
    #[error("node `{node}` is admitted with another key")]
    OtherKey { node: NodeName },
    #[error("node `{node}` is not in quarantine")]
    NotQuarantined { node: NodeName },
    #[error("node `{node}` is in the cluster with the UID {found}, and was admitted {}", told(.admitted.as_ref()))]
    OtherUid { node: NodeName, found: Uid, admitted: Option<Uid> },
    #[error("the machine with the UID {uid} was revoked as node `{life}`")]
    RevokedUid { uid: Uid, life: NodeEpoch },
    #[error("node `{node}` may run `{known}`, and whoever let it in anew may not let it run `{said}`")]
    Wider { node: NodeName, known: Box<Clearance>, said: Box<Clearance> },
    #[error("node `{node}` waits to be admitted")]
    Waiting { node: NodeName },
}

impl NodeRefusal {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => Some("`bulkhead node list` shows the names; a node comes in by a join token"),
            Self::Revoked { .. } => Some("a revoked name never comes back by itself: join under another name"),
            Self::Quarantined { .. } => Some("look into the reason, then release or revoke the node"),
            Self::OtherKey { .. } => Some("`bulkhead token create` lets it join anew with its new key"),
            Self::OtherUid { .. } => {
                Some("if the machine was replaced, `bulkhead node admit NAME --clearance LABEL` lets it in")
            }
            Self::RevokedUid { .. } => Some("remove the Node object and set the machine up anew"),
            Self::Wider { .. } => Some("that takes the role `owner`: an owner's token or `bulkhead node admit`"),
            Self::Waiting { .. } => Some("`bulkhead node admit NAME --clearance LABEL` lets it in"),
            Self::OtherEpoch { .. } | Self::NotQuarantined { .. } => None,
        }
    }
}

impl NodeRecord {
    /// Refuses a node that the CA does not serve, with the reason.
    pub fn refuse_unless_admitted(&self) -> Result<(), NodeRefusal> {
        let life = self.life.clone();
        match self.state.clone() {
            NodeState::Admitted => Ok(()),
            NodeState::Quarantined { at, reason } => Err(NodeRefusal::Quarantined { life, at, reason }),
            NodeState::Revoked { at, reason } => Err(NodeRefusal::Revoked { life, at, reason }),
        }
    }
}

fn told(uid: Option<&Uid>) -> String {
    uid.map_or_else(|| "by a join token, without one".to_owned(), |uid| format!("with {uid}"))
}
