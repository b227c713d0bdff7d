//! Who the workload of a pod is: the CA says so, to whoever shows the pod's token.
//!
//! The kubelet writes the token and renews it, and the mesh's operator writes the roots; both files are read afresh at
//! each attempt. The CA must have proved itself under these roots before a byte of the token leaves. A third of a
//! certificate's life after its issue the next one is asked for; at once when the feed cuts the own one off or the CA does
//! not take it any more, which is how a workload gets another label. What was got is kept for the next run of the container.

mod attempt;
mod follow;
mod held;
mod keeper;
mod schedule;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::SpiffeId;
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use tokio::sync::{mpsc, watch};

use super::Svid;
use super::publish::Said;
use crate::clocks::SharedClocks;
use crate::truth::Truth;
use follow::Follower;

/// What an attempt needs, and where its outcome is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource {
    /// The pod's token.
    pub token: TokenFile,
    /// The roots of the mesh.
    pub roots: RootsFile,
    /// The CA's addresses, each `host:port`, in the order in which they are tried.
    pub ca: Vec<String>,
    /// The directory in which key and certificate are kept.
    pub state: PathBuf,
    /// How often the roots are looked at between two attempts.
    pub look_at_roots_every: Duration,
}

impl TokenSource {
    /// The kubelet takes about a minute to bring a changed ConfigMap; ten seconds more are not noticed.
    pub const LOOK_AT_ROOTS_EVERY: Duration = Duration::from_secs(10);

    /// Says what the workload is, for as long as somebody listens.
    pub(super) async fn follow(
        self,
        expected: Option<SpiffeId>,
        news: (Arc<Truth>, watch::Receiver<Option<Arc<Svid>>>),
        clocks: SharedClocks,
        says: &mpsc::Sender<Said>,
    ) {
        Follower::new(self, expected, news, clocks, says).run().await;
    }
}
