//! How a node joins whose agent is a pod of a DaemonSet: by the pod's token, without an operator's.
//!
//! What comes of it is kept exactly as a join keeps it, and renewed as ever by the node's certificate. The token is needed
//! again only when the CA takes that certificate no more: it is too old, or the node was admitted anew.

use bulkhead_daemon::{SharedClock, chain};
use bulkhead_mesh::{NodeName, Timestamp};
use bulkhead_protocol::attestation::{PodTokenError, RootsError, RootsFile, TokenFile};
use tracing::{info, warn};

use crate::ca_client::CaError;
use crate::join::{JoinError, Proof, check_same_node, join_by};
use crate::node_identity::NodeIdentities;
use crate::state::{Membership, StateDirectory};

/// What the pod of an agent knows of its mesh and of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The pod's token.
    pub token: TokenFile,
    /// The roots of the mesh.
    pub roots: RootsFile,
    /// The node on which the pod runs.
    pub node: NodeName,
    /// Where the CA answers, `host:port`.
    pub ca_addresses: Vec<String>,
}

impl Attestation {
    /// Whether an identity that an earlier run has left serves on, which takes the roots of the file in.
    ///
    /// One of another node is an error. One that does not stand under the roots any more is of an earlier mesh, which
    /// somebody has founded anew under the same name; then the node joins again.
    pub fn check(
        &self,
        state: &StateDirectory,
        identities: &NodeIdentities,
        now: Timestamp,
    ) -> Result<bool, JoinError> {
        let Ok(membership) = self.membership().inspect_err(|problem| {
            warn!(problem = chain(problem), "the roots cannot be read; the ones from before serve on");
        }) else {
            return Ok(true);
        };
        check_same_node(state, &identities.current().membership, &membership)?;
        let taken = identities.adopt_roots(membership.bundle.roots().to_vec(), now);
        if let Err(problem) = &taken {
            warn!(problem = chain(problem), "the identity of an earlier run is of no use; the node joins anew");
        }
        Ok(taken.is_ok())
    }

    /// Joins once.
    pub async fn join(&self, state: &StateDirectory, clock: &SharedClock) -> Result<(), AttestationError> {
        let (membership, token) = (self.membership()?, self.token.read()?);
        let joined = join_by(state, membership, Proof::PodToken(&token), clock.clone()).await?;
        info!(id = %joined.id, not_after = %joined.not_after, "the node has joined by the pod's token");
        Ok(())
    }

    /// The membership that the files and flags say now.
    pub fn membership(&self) -> Result<Membership, RootsError> {
        let Self { node, ca_addresses, .. } = self;
        Ok(Membership { node: node.clone(), ca_addresses: ca_addresses.clone(), bundle: self.roots.read()? })
    }
}

/// Why a pod's token has not become an identity.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum AttestationError {
    #[error("this agent was not told of a pod's token")]
    NoToken,
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(transparent)]
    Token(#[from] PodTokenError),
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl AttestationError {
    /// Whether the CA has decided against this node: it is revoked, or not admitted yet.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Join(JoinError::Ca(CaError::Refused { .. })))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Roots(error) => Some(error.hint()),
            Self::Token(error) => Some(error.hint()),
            Self::NoToken | Self::Join(_) => None,
        }
    }
}
