//! The one picture of the cluster, which the watches write and everybody reads.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bulkhead_daemon::Subject;
use tokio::sync::watch;
use tracing::error;

use super::board::Board;
use super::cluster::{Cluster, Sight};
use super::directory::Limits;
use super::metrics::{Kind, Metrics};

/// The picture, what stands, and what was counted.
#[derive(Debug)]
pub struct Shared {
    cluster: Mutex<Cluster>,
    changed: watch::Sender<()>,
    /// What stands.
    pub board: Board,
    /// What was counted.
    pub metrics: Metrics,
}

impl Shared {
    /// Nothing is known yet.
    pub fn new(limits: Limits, metrics: Metrics) -> Self {
        let cluster = Mutex::new(Cluster::new(limits));
        Self { cluster, changed: watch::Sender::new(()), board: Board::default(), metrics }
    }

    /// Takes what a watch has seen.
    pub fn see(&self, kind: Kind, sight: Sight) {
        if let Err(beyond) = self.with(|cluster| cluster.see(sight)) {
            let times = self.metrics.left_out(kind);
            // Each of them would drown the log.
            if times.is_power_of_two() {
                let (kind, most) = (kind.as_str(), beyond.most);
                error!(kind, most, times, "an object is left out: raise the limit `--max-..` and start again");
            }
        }
        self.changed.send_replace(());
    }

    /// Looks at the picture, or changes it, for a moment.
    pub fn with<T>(&self, act: impl FnOnce(&mut Cluster) -> T) -> T {
        act(&mut self.cluster.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes whoever waits for a change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl Subject for Shared {
    fn not_ready(&self) -> Option<String> {
        self.board.not_ready(Instant::now())
    }

    fn metrics(&self) -> String {
        let (pods, [services, endpoints], namespaces, trust_maps) = self.with(|cluster| {
            let directory = &cluster.directory;
            (directory.pods().len(), directory.counts(), cluster.namespaces.len(), cluster.trust_maps.len())
        });
        let kept = [
            (Kind::Pods, pods),
            (Kind::Services, services),
            (Kind::Slices, endpoints),
            (Kind::Namespaces, namespaces),
            (Kind::TrustMaps, trust_maps),
        ];
        for (kind, number) in kept {
            self.metrics.objects(kind, number);
        }
        self.metrics.text()
    }
}
