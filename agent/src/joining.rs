//! Proves the node by its pod's token when that is not done by one call: at the start, until the CA lets it in, and again when
//! the CA takes the node's certificate no more.

use std::time::Duration;

use bulkhead_daemon::{SharedClock, chain};
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::signing_request;
use bulkhead_protocol::jitter::Jitter;
use bulkhead_protocol::retry::Retry;
use tracing::{error, warn};

use crate::attestation::{Attestation, AttestationError};
use crate::ca_client::LONGEST_WAIT;
use crate::certified::{Certified, CertifiedError};
use crate::dice;
use crate::first_contact::check_node_chain;
use crate::host::Host;
use crate::join::JoinError;
use crate::lobby::Lobby;
use crate::metrics::{Asked, Outcome};
use crate::state::StateDirectory;

/// Joins, however long it takes. Only what time cannot mend is an error.
pub async fn join_at_last(
    attestation: &Attestation,
    state: &StateDirectory,
    clock: &SharedClock,
    lobby: &Lobby,
) -> Result<(), JoinError> {
    let mut retry = Retry::up_to(LONGEST_WAIT);
    loop {
        let (outcome, wait) = match attestation.join(state, clock).await {
            Ok(()) => (Outcome::Done, None),
            Err(AttestationError::Join(problem)) if !problem.may_pass() => return Err(problem),
            Err(problem) => {
                let (refused, hint) = (problem.is_refusal(), problem.hint());
                let problem = chain(&problem);
                let wait = if refused { rest(dice::throw()) } else { retry.failed(dice::throw()) };
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

/// Proves the running node anew, under the roots that the file holds now.
pub async fn prove_anew(host: &Host) -> Result<Certified, AttestationError> {
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

/// A no is an operator's decision; but a node that only waits for its admission should not wait long after it.
fn rest(jitter: Jitter) -> Duration {
    AFTER_REFUSAL / 2 + jitter.of(AFTER_REFUSAL / 2)
}

const AFTER_REFUSAL: Duration = Duration::from_mins(1);
