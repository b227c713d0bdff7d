//! How long to wait before what has failed is tried again.

use std::time::Duration;

use crate::jitter::Jitter;

/// Waits that double from [`Retry::SHORTEST`] to the longest while attempts fail.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    longest: Duration,
    failures: u32,
}

impl Retry {
    /// The wait after the first failure, before the dice shorten it.
    pub const SHORTEST: Duration = Duration::from_millis(500);

    /// Nothing has failed yet; no wait will be longer than this.
    pub const fn up_to(longest: Duration) -> Self {
        Self { longest, failures: 0 }
    }

    /// An attempt has succeeded.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// An attempt has failed; how long to wait, between half of it and the whole as the dice say.
    pub fn failed(&mut self, jitter: Jitter) -> Duration {
        let whole = Self::SHORTEST.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        whole / 2 + jitter.of(whole / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let longest = Duration::from_secs(30);
        let mut retry = Retry::up_to(longest);
        let waits: Vec<_> = (0..4).map(|_| retry.failed(Jitter::NONE).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000]);
        let last = (0..100).map(|_| retry.failed(Jitter::from_random(u32::MAX))).last().unwrap();
        assert!(last <= longest && last > longest / 2);
        retry.succeeded();
        assert_eq!(retry.failed(Jitter::NONE).as_millis(), 250);
    }
}
