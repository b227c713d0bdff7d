//! Follows the CA's stream of this node's registrations, through every break of it.

use std::collections::HashSet;
use std::sync::Arc;

use bulkhead_daemon::{Stop, chain};
use bulkhead_mesh::NodeName;
use bulkhead_protocol::convert::Registration;
use bulkhead_protocol::retry::Retry;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::ca_client::{CaError, LONGEST_WAIT};
use crate::dice;
use crate::host::Host;
use crate::metrics::{Asked, Outcome};
use crate::state::StateError;
use crate::workloads::Told;

/// Keeps `told` up to date until stopped. What an earlier run was told stands until the CA says otherwise.
pub async fn follow(host: Arc<Host>, told: watch::Sender<Told>, stop: Stop) {
    tokio::select! {
        () = stop.stopped() => {}
        () = follow_for_ever(&host, &told) => {}
    }
}

async fn follow_for_ever(host: &Host, told: &watch::Sender<Told>) {
    let mut retry = Retry::up_to(LONGEST_WAIT);
    loop {
        let outcome = session(host, told, &mut retry).await;
        host.metrics.connected(false);
        let Err(problem) = outcome else { continue };
        host.metrics.asked(Asked::Watch, problem.outcome());
        if problem.outcome() == Outcome::Refused {
            host.doubts.notify_one();
        }
        let wait = retry.failed(dice::throw());
        warn!(problem = chain(&problem), wait_ms = wait.as_millis(), "no stream of registrations; the last ones stand");
        host.clock.until(host.clock.now().plus(wait)).await;
    }
}

/// One stream, until it breaks or the node has a new certificate to open the next one with.
async fn session(host: &Host, told: &watch::Sender<Told>, retry: &mut Retry) -> Result<(), SessionError> {
    let mut nodes = host.identities.subscribe();
    let node = Arc::clone(&nodes.borrow_and_update());
    let mut stream = host.ca.watch(&node).await?;
    info!("the CA's stream of registrations stands");
    host.metrics.connected(true);
    host.metrics.asked(Asked::Watch, Outcome::Done);
    retry.succeeded();
    loop {
        tokio::select! {
            registrations = stream.next() => take(host, told, &node.membership.node, registrations?)?,
            _ = nodes.changed() => return Ok(()),
        }
    }
}

fn take(
    host: &Host,
    told: &watch::Sender<Told>,
    node: &NodeName,
    registrations: Vec<Registration>,
) -> Result<(), SessionError> {
    check(&registrations, node)?;
    if told.borrow().as_deref() == Some(&registrations[..]) {
        return Ok(());
    }
    if let Err(problem) = host.state.keep_registrations(&registrations) {
        // They are served all the same; only a restart without the CA would miss them.
        error!(problem = chain(&problem), "the registrations could not be kept");
    }
    info!(registrations = registrations.len(), "registrations told");
    told.send_replace(Some(registrations.into()));
    Ok(())
}

fn check(registrations: &[Registration], node: &NodeName) -> Result<(), SessionError> {
    let mut seen = HashSet::new();
    for registration in registrations {
        if registration.node != *node {
            return Err(SessionError::AnotherNode { node: registration.node.clone() });
        }
        if !seen.insert(registration.id) {
            return Err(SessionError::Twice { registration: registration.id.to_string() });
        }
    }
    Ok(())
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error("the CA told a registration of node {node}")]
    AnotherNode { node: NodeName },
    #[error("the CA told the registration {registration} twice in one message")]
    Twice { registration: String },
}

impl SessionError {
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Ca(problem) if problem.is_refusal() => Outcome::Refused,
            _ => Outcome::Failed,
        }
    }
}

/// What an earlier run was told.
pub fn kept(host: &Host) -> Result<Told, StateError> {
    Ok(host.state.registrations()?.map(Arc::from))
}
