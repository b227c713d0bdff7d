//! How a node joins whose agent is a pod of a DaemonSet: by the pod's token, without an operator's.
//!
//! What comes of it is kept exactly as a join keeps it, and renewed as ever by the node's certificate. The token is needed
//! again only when the CA takes that certificate no more: it is too old, or the node was admitted anew.

use std::time::Duration;

use bulkhead_daemon::{SharedClock, chain};
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::signing_request;
use bulkhead_mesh::{NodeName, Timestamp};
use bulkhead_protocol::attestation::{PodTokenError, RootsError, RootsFile, TokenFile};
use bulkhead_protocol::jitter::Jitter;
use tracing::{error, info, warn};

use crate::backoff::Backoff;
use crate::ca_client::CaError;
use crate::certified::{Certified, CertifiedError};
use crate::dice;
use crate::first_contact::check_node_chain;
use crate::host::Host;
use crate::join::{JoinError, Proof, check_same_node, join_by};
use crate::lobby::Lobby;
use crate::metrics::{Asked, Outcome};
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

    /// Joins, however long it takes. Only what time cannot mend is an error.
    pub async fn join_at_last(
        &self,
        state: &StateDirectory,
        clock: &SharedClock,
        lobby: &Lobby,
    ) -> Result<(), JoinError> {
        let mut backoff = Backoff::default();
        loop {
            let (outcome, wait) = match self.join(state, clock).await {
                Ok(()) => (Outcome::Done, None),
                Err(AttestationError::Join(problem)) if !problem.may_pass() => return Err(problem),
                Err(problem) => {
                    let (refused, hint) = (problem.is_refusal(), problem.hint());
                    let problem = chain(&problem);
                    let wait = if refused { rest(dice::throw()) } else { backoff.failed(dice::throw()) };
                    let wait_ms = wait.as_millis();
                    if refused {
                        error!(problem, wait_ms, "the CA refuses this node");
                    } else {
                        warn!(problem, hint, wait_ms, "this node has not joined yet; trying again");
                    }
                    lobby.wait(problem);
                    (if refused { Outcome::Refused } else { Outcome::Failed }, Some(wait))
                }
            };
            lobby.metrics().asked(Asked::Attest, outcome);
            let Some(wait) = wait else { return Ok(()) };
            clock.until(clock.now().plus(wait)).await;
        }
    }

    async fn join(&self, state: &StateDirectory, clock: &SharedClock) -> Result<(), AttestationError> {
        let (membership, token) = (self.membership()?, self.token.read()?);
        let joined = join_by(state, membership, Proof::PodToken(&token), clock.clone()).await?;
        info!(id = %joined.id, not_after = %joined.not_after, "the node has joined by the pod's token");
        Ok(())
    }

    /// The membership that the files and flags say now.
    fn membership(&self) -> Result<Membership, RootsError> {
        let Self { node, ca_addresses, .. } = self;
        Ok(Membership { node: node.clone(), ca_addresses: ca_addresses.clone(), bundle: self.roots.read()? })
    }
}

/// Proves the running node anew, under the roots that the file holds now.
pub async fn again(host: &Host) -> Result<Certified, AttestationError> {
    let attestation = host.attestation.as_ref().ok_or(AttestationError::NoToken)?;
    let (membership, token) = (attestation.membership()?, attestation.token.read()?);
    let key = PrivateKey::generate().map_err(CertifiedError::Key).map_err(JoinError::from)?;
    let request = signing_request(&key).map_err(CertifiedError::Key).map_err(JoinError::from)?;
    let answer = host.ca.attest(&membership, &token, request).await.map_err(JoinError::from)?;
    let now = host.clock.now();
    let id = host.identities.current().id().clone();
    let certified = Certified::fresh(key, answer.chain, &id, now).map_err(JoinError::from)?;
    check_node_chain(certified.chain(), &membership.bundle, now).map_err(JoinError::from)?;
    host.identities.renew(certified.clone()).map_err(JoinError::from)?;
    if let Err(problem) = host.identities.adopt_roots(membership.bundle.roots().to_vec(), now) {
        warn!(problem = chain(&problem), "the roots on the disk were not taken");
    }
    Ok(certified)
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

/// A no is an operator's decision; but a node that only waits for its admission should not wait long after it.
fn rest(jitter: Jitter) -> Duration {
    AFTER_REFUSAL / 2 + jitter.of(AFTER_REFUSAL / 2)
}

const AFTER_REFUSAL: Duration = Duration::from_mins(1);
