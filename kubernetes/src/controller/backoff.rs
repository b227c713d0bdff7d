//! How long to wait before what has failed is tried again.

use std::time::Duration;

use bulkhead_protocol::jitter::Jitter;

use super::dice;

/// Doubles from [`Backoff::SHORTEST`] to [`Backoff::LONGEST`] while attempts fail.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after the first failure, before the dice shorten it.
    pub(super) const SHORTEST: Duration = Duration::from_millis(500);
    /// No wait is longer: there is one controller in a cluster, and new pods wait for it.
    pub(super) const LONGEST: Duration = Duration::from_secs(10);

    /// An attempt has succeeded.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// An attempt has failed; how long to wait, between half of it and the whole as the dice say.
    pub(super) fn failed(&mut self, jitter: Jitter) -> Duration {
        let whole = Self::SHORTEST.saturating_mul(1 << self.failures.min(16)).min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        whole / 2 + jitter.of(whole / 2)
    }
}

/// As the watches ask for it.
impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.failed(dice::throw()))
    }
}

impl kube::runtime::utils::Backoff for Backoff {
    fn reset(&mut self) {
        self.succeeded();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..4).map(|_| backoff.failed(Jitter::NONE).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000]);
        let last = (0..100).map(|_| backoff.failed(Jitter::from_random(u32::MAX))).last().unwrap();
        assert!(last <= Backoff::LONGEST && last > Backoff::LONGEST / 2);
        backoff.succeeded();
        assert_eq!(backoff.failed(Jitter::NONE).as_millis(), 250);
    }
}
