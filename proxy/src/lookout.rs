//! Watching over the capture: a canary at the start and every few seconds, for rules that somebody may flush by hand.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stop, chain};
use tokio::sync::watch;

use crate::capture::check::{Canary, CanaryError, Findings};
use crate::sidecar::Sidecar;

/// What the last canary has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capture {
    /// None has come back yet, or none could be sent.
    Unknown,
    /// Connections of this workload arrive at the proxy.
    Proved,
    /// They do not, or it cannot be told: why.
    Missing(String),
}

/// Sends canaries until stopped, and says what they show; the log tells each change.
pub async fn watch_over(sidecar: Arc<Sidecar>, canary: Canary, state: watch::Sender<Capture>, stop: Stop) {
    let mut beat = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            _ = beat.tick() => {}
        }
        let found = Capture::of(&canary.probe(PATIENCE).await);
        sidecar.metrics.captured(found == Capture::Proved);
        if *state.borrow() != found {
            found.tell();
        }
        state.send_replace(found);
    }
}

impl Capture {
    fn of(findings: &Findings) -> Self {
        if findings.prove_capture() {
            return Self::Proved;
        }
        if findings.show_nothing() {
            return Self::Unknown;
        }
        let families = [("IPv4", &findings.v4), ("IPv6", &findings.v6)];
        let failures = families.map(|(family, found)| found.as_ref().err().map(|error| failure(family, error)));
        Self::Missing(failures.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    fn tell(&self) {
        match self {
            Self::Unknown => tracing::warn!(
                hint = "raise the hard limit of open descriptors (`ulimit -Hn`), or lower `--max-tunnels`",
                "no descriptor is left to see whether connections are captured"
            ),
            Self::Proved => tracing::info!("capture is proved"),
            Self::Missing(why) => tracing::warn!(
                detail = why.as_str(),
                hint = "`bulkhead-proxy capture install`, run with CAP_NET_ADMIN in this network namespace",
                "capture is not in place: connections of this workload may leave it in clear"
            ),
        }
    }
}

fn failure(family: &str, error: &CanaryError) -> String {
    format!("{family}: {}", chain(error))
}

const EVERY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(1);
