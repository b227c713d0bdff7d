//! Who this workload is: a client of the SPIFFE Workload API on the agent's Unix socket.
//!
//! The certificate, its key and the roots come from there and stay in memory; nothing of them is written to a disk. The
//! agent keeps them, so a proxy that restarts while the CA is down has them back at once. While the agent is away the
//! last certificate serves until it ends; from then on there is none, and nothing passes.

mod address;
mod agent;
mod own;
mod publish;
mod response;
mod split;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bulkhead_daemon::Stop;
use bulkhead_mesh::SpiffeId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use address::{AgentAddress, ParseAgentAddressError};
pub use own::{Own, OwnError, Svid};

use crate::clocks::SharedClocks;
use crate::truth::Truth;
use publish::Publisher;

/// Where the identity comes from.
#[derive(Clone, Debug)]
pub struct IdentitySource {
    /// The agent's socket for this workload.
    pub agent: AgentAddress,
    /// Which identity is taken where the agent offers several, and the only one that is taken at all.
    pub expected: Option<SpiffeId>,
}

/// The identity as it changes. `None` before the first certificate, and after the last one has ended.
#[derive(Clone, Debug)]
pub struct Identities {
    /// For speaking to the CA: there even while the policy, which names the levels, has not come yet.
    pub svid: watch::Receiver<Option<Arc<Svid>>>,
    /// For everything else.
    pub own: watch::Receiver<Option<Arc<Own>>>,
}

impl IdentitySource {
    /// Begins to follow the agent, in a task of `tasks` that ends with `stop`.
    ///
    /// `truth` says the levels of the mesh: the own label is read again whenever they change.
    pub fn start(self, truth: &Truth, clocks: SharedClocks, tasks: &mut JoinSet<()>, stop: Stop) -> Identities {
        let (publisher, identities) = Publisher::new(self.expected, truth.levels(), clocks);
        tasks.spawn(async move {
            let (says, said) = mpsc::channel(1);
            tokio::select! {
                () = stop.stopped() => {}
                () = agent::follow(&self.agent, &says) => {}
                () = publisher.run(said) => {}
            }
        });
        identities
    }
}
