//! What the admin port tells of the proxy: whether it is ready and what is missing, and its metrics.

use std::sync::Arc;

use bulkhead_daemon::{Stop, Subject};
use tokio::sync::watch;

use crate::lookout::Capture;
use crate::sidecar::Sidecar;

/// The proxy as the admin port sees it.
#[derive(Debug)]
pub struct Condition {
    sidecar: Arc<Sidecar>,
    capture: watch::Receiver<Capture>,
    obstacle: watch::Receiver<Option<Arc<str>>>,
    stop: Stop,
}

impl Condition {
    /// The condition of this proxy, until it is told to stop.
    pub fn new(
        sidecar: Arc<Sidecar>,
        capture: watch::Receiver<Capture>,
        obstacle: watch::Receiver<Option<Arc<str>>>,
        stop: Stop,
    ) -> Self {
        Self { sidecar, capture, obstacle, stop }
    }

    fn missing(&self) -> Vec<String> {
        let standard = self.sidecar.registry.standard();
        let mut missing = Vec::new();
        if self.stop.is_stopped() {
            missing.push("the proxy is stopping".into());
        }
        let obstacle = self.obstacle.borrow().clone().filter(|_| standard.own.is_none());
        if let Some(why) = obstacle {
            missing.push(format!("this workload has no certificate ({why})"));
        } else if standard.knowledge.policy.is_none() {
            missing.push("the policy has not come yet, neither from the CA nor from the disk".into());
        } else if standard.own.is_none() {
            missing.push("this workload has no certificate".into());
        } else if standard.is_stale() {
            missing.push("the CA has been silent for longer than the level of this workload allows".into());
        }
        match &*self.capture.borrow() {
            Capture::Proved => {}
            Capture::Unknown => missing.push("it is not known yet whether connections are captured".into()),
            Capture::Missing(why) => missing.push(format!("connections are not captured ({why})")),
        }
        missing
    }
}

impl Subject for Condition {
    fn not_ready(&self) -> Option<String> {
        let missing = self.missing();
        (!missing.is_empty()).then(|| missing.join("; "))
    }

    fn metrics(&self) -> String {
        let metrics = &self.sidecar.metrics;
        let standard = self.sidecar.registry.standard();
        if let Some(position) = standard.knowledge.position {
            metrics.feed(position, standard.staleness);
        }
        metrics.mode(standard.mode, standard.standing());
        metrics.not_after(standard.own.map_or(0, |own| own.leaf.not_after.as_secs()));
        metrics.encode()
    }
}
