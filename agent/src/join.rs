//! A token becomes the node's identity, once and for all: an operator's by `bulkhead-agent join`, or that of a pod.
//!
//! The key is on the disk before the CA is asked, so that a lost answer can be asked for again: the CA answers a used
//! token again for the same key, and for no other.

use std::path::PathBuf;

use bulkhead_daemon::SharedClock;
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::peer::PeerError;
use bulkhead_identity::signing_request;
use bulkhead_mesh::{NodeName, SpiffeId, Timestamp, TrustDomain};
use bulkhead_protocol::attestation::PodToken;
use bulkhead_protocol::join_token::{JoinSecret, JoinToken};

use crate::ca_client::{CaClient, CaError};
use crate::certified::{Certified, CertifiedError};
use crate::first_contact::check_node_chain;
use crate::state::{Membership, StateDirectory, StateError};

/// What came of it.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The node's SPIFFE ID.
    pub id: SpiffeId,
    /// Until when its first certificate lasts.
    pub not_after: Timestamp,
    /// Where the CA answers.
    pub ca_addresses: Vec<String>,
    /// Whether the node was in the mesh before.
    pub again: bool,
}

/// By what a node proves that it may join.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// What an operator has made for it.
    Secret(&'a JoinSecret),
    /// What the agent's own pod was given by its cluster.
    PodToken(&'a PodToken),
}

/// Joins with this token, and keeps what comes of it.
pub async fn join(state: &StateDirectory, token: &JoinToken, clock: SharedClock) -> Result<Joined, JoinError> {
    join_by(state, Membership::of_token(token), Proof::Secret(&token.secret), clock).await
}

/// Joins this mesh as this node, and keeps what comes of it.
pub async fn join_by(
    state: &StateDirectory,
    membership: Membership,
    proof: Proof<'_>,
    clock: SharedClock,
) -> Result<Joined, JoinError> {
    let again = check_earlier(state, &membership)?;
    let id = membership.id().expect("a node's name and a trust domain that were parsed make a SPIFFE ID");
    let key = joining_key(state, &id)?;
    let request = signing_request(&key).map_err(CertifiedError::Key)?;
    let ca = CaClient::new(clock.clone());
    let answer = match proof {
        Proof::Secret(secret) => ca.join(&membership, secret, request).await?,
        Proof::PodToken(token) => ca.attest(&membership, token, request).await?,
    };
    let certified = Certified::fresh(key, answer.chain, &id, clock.now())?;
    check_node_chain(certified.chain(), &membership.bundle, clock.now())?;
    if again {
        // They are bound to the node's earlier epoch, which a re-admission has left behind.
        state.forget_workloads()?;
    }
    state.keep_membership(&membership)?;
    state.keep_node(certified.identity())?;
    Ok(Joined { id, not_after: certified.leaf().not_after, ca_addresses: membership.ca_addresses, again })
}

/// Whether this very node has joined before. It may do so again: it was revoked and re-admitted, or was off for so long
/// that its certificate can renew no more. An identity of any other node or mesh is never overwritten: it would be
/// lost, and whoever ran the command on the wrong host would not notice.
fn check_earlier(state: &StateDirectory, membership: &Membership) -> Result<bool, JoinError> {
    let (Some(earlier), Some(_)) = (state.membership()?, state.node()?) else { return Ok(false) };
    check_same_node(state, &earlier, membership).map(|()| true)
}

/// Whether what is held is of the node that this is to be.
pub(crate) fn check_same_node(state: &StateDirectory, held: &Membership, wanted: &Membership) -> Result<(), JoinError> {
    if held.is_same_node(wanted) {
        return Ok(());
    }
    Err(JoinError::AnotherNode {
        state: state.path().into(),
        held: held.node.clone(),
        held_domain: held.bundle.trust_domain().clone(),
        token: wanted.node.clone(),
        token_domain: wanted.bundle.trust_domain().clone(),
    })
}

/// The key of an attempt for the same node whose answer was lost, or a new one.
fn joining_key(state: &StateDirectory, id: &SpiffeId) -> Result<PrivateKey, JoinError> {
    if let Some(key) = state.joining_key(id)? {
        return Ok(key);
    }
    let key = PrivateKey::generate().map_err(StateError::from)?;
    state.keep_joining_key(id, &key)?;
    Ok(key)
}

/// Why a node has not joined.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum JoinError {
    #[error("{state} holds the identity of node {held} of {held_domain}, and this is to be node {token} of {token_domain}", state = .state.display())]
    AnotherNode { state: PathBuf, held: NodeName, held_domain: TrustDomain, token: NodeName, token_domain: TrustDomain },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the CA was asked and gave no certificate")]
    Ca(#[from] CaError),
    #[error("what the CA answered is not this node's certificate")]
    Certified(#[from] CertifiedError),
    #[error("what the CA answered does not lead to the roots of the mesh")]
    Chain(#[from] PeerError),
}

impl JoinError {
    /// Whether the next attempt may end better, though nobody does anything on this host.
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::AnotherNode { .. } | Self::State(_))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AnotherNode { .. } => {
                Some("use another `--state-dir`, or remove this one if that node is gone for good".into())
            }
            Self::State(error) => error.hint(),
            Self::Ca(error) if error.is_refusal() => Some(
                "create a new token with `bulkhead token create`; a token is good once and for a short while".into(),
            ),
            Self::Ca(_) => Some("run the same command again: the token is still good for this host's key".into()),
            Self::Certified(_) | Self::Chain(_) => None,
        }
    }
}
