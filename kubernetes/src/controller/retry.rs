//! How long the controller waits before what has failed is tried again.

use std::time::Duration;

use bulkhead_protocol::retry::Retry;

use super::dice;

/// No wait is longer: there is one controller in a cluster, and new pods wait for it.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Waits as the watches ask for them.
#[derive(Debug)]
pub(super) struct Waits(Retry);

impl Default for Waits {
    fn default() -> Self {
        Self(Retry::up_to(LONGEST_WAIT))
    }
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0.failed(dice::throw()))
    }
}

impl kube::runtime::utils::Backoff for Waits {
    fn reset(&mut self) {
        self.0.succeeded();
    }
}
