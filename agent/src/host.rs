//! What every task of the agent shares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_daemon::{SharedClock, Subject};
use bulkhead_mesh::InstanceId;
use tokio::sync::{Notify, watch};

use crate::attestation::Attestation;
use crate::ca_client::CaClient;
use crate::metrics::Metrics;
use crate::node_identity::NodeIdentities;
use crate::offer::Offer;
use crate::sockets::SocketDirectory;
use crate::state::StateDirectory;
use crate::workload_api::Limits;

/// The agent's belongings.
#[derive(Debug)]
pub struct Host {
    /// The files.
    pub state: Arc<StateDirectory>,
    /// The sockets.
    pub sockets: SocketDirectory,
    /// The node's identity.
    pub identities: NodeIdentities,
    /// The way to the CA.
    pub ca: CaClient,
    /// The time.
    pub clock: SharedClock,
    /// How the node proves itself anew, where its agent is a pod.
    pub attestation: Option<Attestation>,
    /// Told when the CA does not take the node's certificate.
    pub doubts: Notify,
    /// The counters.
    pub metrics: Metrics,
    /// What a workload may take.
    pub limits: Limits,
    /// What each workload is offered.
    pub board: Board,
}

/// The offers of all workloads; `None` until the registrations are known.
#[derive(Debug, Default)]
pub struct Board(Mutex<Option<BTreeMap<InstanceId, watch::Receiver<Offer>>>>);

impl Board {
    /// The registrations are known, though there may be none.
    pub fn open(&self) {
        self.lock().get_or_insert_default();
    }

    /// A workload is served.
    pub fn enter(&self, registration: InstanceId, offers: watch::Receiver<Offer>) {
        self.lock().get_or_insert_default().insert(registration, offers);
    }

    /// A workload is served no more.
    pub fn leave(&self, registration: InstanceId) {
        self.lock().get_or_insert_default().remove(&registration);
    }

    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<InstanceId, watch::Receiver<Offer>>>> {
        // A map that a panic left behind is whole: each change of it is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subject for Host {
    fn not_ready(&self) -> Option<String> {
        let now = self.clock.now();
        let node = self.identities.current();
        if node.not_after() < now {
            return Some(format!("the node's certificate ended at {}", node.not_after()));
        }
        let board = self.board.lock();
        let Some(offers) = board.as_ref() else { return Some("the CA has not told the registrations yet".into()) };
        let waiting = offers.iter().find(|(_, offers)| !offers.borrow().is_valid(now));
        waiting.map(|(registration, _)| format!("workload {registration} has no valid certificate"))
    }

    fn metrics(&self) -> String {
        self.metrics.encode()
    }
}
