//! Who this workload is: from a SPIFFE Workload API on the agent's Unix socket, or in a pod by the pod's token.
//!
//! On a host the certificate, its key and the roots come from the agent and stay in memory; the agent keeps them, so a
//! proxy that restarts while the CA is down has them back at once. In a pod there is no agent that could know the pod:
//! the proxy asks the CA itself ([`token`]) and keeps what it gets. Either way the last certificate serves until it
//! ends; from then on there is none, and nothing passes.

mod address;
mod agent;
mod own;
mod publish;
mod response;
mod split;
#[cfg(test)]
mod tests;
pub mod token;

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
use token::TokenSource;

/// Where the identity comes from.
#[derive(Clone, Debug)]
pub struct IdentitySource {
    /// Whom to ask.
    pub origin: Origin,
    /// Which identity is taken where several are offered, and the only one that is taken at all.
    pub expected: Option<SpiffeId>,
}

/// Who says what this workload is.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The agent, on its socket for this workload.
    WorkloadApi(AgentAddress),
    /// The CA, to whom the pod's token proves it.
    PodToken(TokenSource),
}

/// The identity as it changes. `None` before the first certificate, and after the last one has ended.
#[derive(Clone, Debug)]
pub struct Identities {
    /// For speaking to the CA: there even while the policy, which names the levels, has not come yet.
    pub svid: watch::Receiver<Option<Arc<Svid>>>,
    /// For everything else.
    pub own: watch::Receiver<Option<Arc<Own>>>,
    /// Why there is no certificate, or none that is newer.
    pub obstacle: watch::Receiver<Option<Arc<str>>>,
    /// What the CA does not take any more, told by whoever has shown it to the CA: the CA cuts a stream off before it could
    /// say on it why.
    pub unwelcome: watch::Sender<Option<Arc<Svid>>>,
}

impl IdentitySource {
    /// Begins to follow whoever says it, in a task of `tasks` that ends with `stop`.
    ///
    /// `truth` says the levels of the mesh: the own label is read again whenever they change.
    pub fn start(self, truth: &Arc<Truth>, clocks: SharedClocks, tasks: &mut JoinSet<()>, stop: Stop) -> Identities {
        let (publisher, identities) = Publisher::new(truth.levels(), Arc::clone(&clocks));
        let (truth, unwelcome) = (Arc::clone(truth), identities.unwelcome.subscribe());
        tasks.spawn(async move {
            let (says, said) = mpsc::channel(1);
            let Self { origin, expected } = self;
            let following = async {
                match origin {
                    Origin::WorkloadApi(agent) => agent::follow(&agent, expected.as_ref(), &says).await,
                    Origin::PodToken(source) => source.follow(expected, (truth, unwelcome), clocks, &says).await,
                }
            };
            tokio::select! {
                () = stop.stopped() => {}
                () = following => {}
                () = publisher.run(said) => {}
            }
        });
        identities
    }
}
