//! Keeps the node's certificate fresh. One that has ended still asks: the CA lets a node that was off come back.

use std::sync::Arc;

use bulkhead_daemon::{Stop, chain};
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::peer::PeerError;
use bulkhead_identity::signing_request;
use tracing::{error, info, warn};

use crate::ca_client::CaError;
use crate::certified::{Certified, CertifiedError};
use crate::dice;
use crate::first_contact::check_node_chain;
use crate::host::Host;
use crate::joining;
use crate::metrics::{Asked, Outcome};
use crate::state::StateError;
use crate::svids::{Event, Slot};

/// Renews until stopped.
pub async fn keep_fresh(host: Arc<Host>, stop: Stop) {
    tokio::select! {
        () = stop.stopped() => {}
        () = renew_for_ever(&host) => {}
    }
}

async fn renew_for_ever(host: &Host) {
    let node = host.identities.current();
    let mut slot = Slot::new(Some(node.certified.leaf()), host.clock.now());
    loop {
        host.metrics.node_not_after(host.identities.current().not_after().as_secs());
        if slot.asks(host.clock.now()) {
            let event = ask(host).await;
            slot.happened(&event, host.clock.now(), dice::throw());
        }
        tokio::select! {
            () = host.clock.until(slot.wake_at()) => {}
            // A node that was admitted anew learns of it so: its certificate is of its earlier life.
            () = host.doubts.notified(), if host.attestation.is_some() => slot.doubted(),
        }
    }
}

async fn ask(host: &Host) -> Event {
    let until = host.identities.current().not_after();
    let (event, outcome) = match renew(host).await {
        Ok(certified) => {
            info!(not_after = %certified.leaf().not_after, "the node's certificate was renewed");
            (Event::Issued(certified.leaf().clone()), Outcome::Done)
        }
        Err(RenewError::Ca(problem)) if problem.is_refusal() && host.attestation.is_some() => {
            host.metrics.asked(Asked::Renew, Outcome::Refused);
            warn!(problem = chain(&problem), "the CA does not renew this node; it is asked anew by the pod's token");
            return attest(host).await;
        }
        Err(RenewError::Ca(problem)) if problem.is_refusal() => {
            let problem = chain(&problem);
            error!(%until, problem, "the CA refuses this node; workloads are served what they have until it ends");
            (Event::Refused, Outcome::Refused)
        }
        Err(problem) => {
            warn!(%until, problem = chain(&problem), "the node's certificate was not renewed; trying again");
            (Event::Failed, Outcome::Failed)
        }
    };
    host.metrics.asked(Asked::Renew, outcome);
    event
}

/// By the token of the agent's pod: for a node whose certificate is too old to be renewed, or of its earlier life.
async fn attest(host: &Host) -> Event {
    let (event, outcome) = match joining::prove_anew(host).await {
        Ok(certified) => {
            info!(not_after = %certified.leaf().not_after, "the node has proved itself anew by the pod's token");
            (Event::Issued(certified.leaf().clone()), Outcome::Done)
        }
        Err(problem) if problem.is_refusal() => {
            let problem = chain(&problem);
            error!(problem, "THE CA REFUSES THIS NODE, as after a revocation; it is asked again rarely");
            (Event::Refused, Outcome::Refused)
        }
        Err(problem) => {
            let hint = problem.hint();
            warn!(problem = chain(&problem), hint, "the node has not proved itself anew; trying again");
            (Event::Failed, Outcome::Failed)
        }
    };
    host.metrics.asked(Asked::Attest, outcome);
    event
}

/// A new key each time, so that a copy of the old one is worth nothing after the renewal.
async fn renew(host: &Host) -> Result<Certified, RenewError> {
    let node = host.identities.current();
    let key = PrivateKey::generate().map_err(CertifiedError::Key)?;
    let request = signing_request(&key).map_err(CertifiedError::Key)?;
    let answer = host.ca.renew(&node, request).await?;
    let now = host.clock.now();
    let certified = Certified::fresh(key, answer.chain, node.id(), now)?;
    check_node_chain(certified.chain(), &node.membership.bundle, now)?;
    host.identities.renew(certified.clone())?;
    if let Err(problem) = host.identities.adopt_roots(answer.roots, now) {
        warn!(problem = chain(&problem), "the roots that came with the node's certificate were not taken");
    }
    Ok(certified)
}

#[derive(Debug, thiserror::Error)]
enum RenewError {
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(transparent)]
    Certified(#[from] CertifiedError),
    #[error("the new certificate does not lead to the roots of the mesh")]
    Chain(#[from] PeerError),
    #[error(transparent)]
    State(#[from] StateError),
}
