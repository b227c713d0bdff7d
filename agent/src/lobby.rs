//! What the admin port asks: a node that has not joined yet lives, and says why it is not ready.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bulkhead_daemon::Subject;

use crate::host::Host;
use crate::metrics::Metrics;

/// The agent before it has an identity, and with one.
#[derive(Debug)]
pub struct Lobby {
    metrics: Metrics,
    host: OnceLock<Arc<Host>>,
    obstacle: Mutex<Option<String>>,
}

impl Lobby {
    /// Nobody has entered yet.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, host: OnceLock::new(), obstacle: Mutex::default() }
    }

    /// There is an identity: from here on the host speaks for itself.
    pub fn enter(&self, host: Arc<Host>) {
        // Who entered first stays; nobody enters twice.
        let _ = self.host.set(host);
    }

    /// The counters, which the host goes on with.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The node could not join, and this is why.
    pub fn wait(&self, obstacle: String) {
        // A text that a panic left behind is whole: each change of it is one assignment.
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = Some(obstacle);
    }
}

impl Subject for Lobby {
    fn not_ready(&self) -> Option<String> {
        if let Some(host) = self.host.get() {
            return host.not_ready();
        }
        let obstacle = self.obstacle.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match obstacle.as_ref() {
            Some(why) => format!("this node has not joined the mesh yet: {why}"),
            None => "this node has not joined the mesh yet".into(),
        })
    }

    fn metrics(&self) -> String {
        self.metrics.encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_joined_is_not_ready_and_says_why() {
        let lobby = Lobby::new(Metrics::new());
        assert_eq!(lobby.not_ready().as_deref(), Some("this node has not joined the mesh yet"));
        lobby.wait("the CA cannot be reached".into());
        assert!(lobby.not_ready().unwrap().ends_with("yet: the CA cannot be reached"));
    }
}
