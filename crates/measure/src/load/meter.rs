//! What has come to its end in the measured time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::Notify;

use super::failure::Failure;
use crate::Latency;

/// Counts what the workers of a run report, from the beginning of the measured time to its end.
#[derive(Debug)]
pub(super) struct Meter {
    phase: AtomicU8,
    counts: Mutex<Counts>,
    hopeless: Notify,
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Counts {
    /// Operations that ended well.
    pub(super) operations: u64,
    /// Bytes that the receiving application took.
    pub(super) bytes: u64,
    /// Operations that failed; also those that had begun in the measured time and failed after it.
    pub(super) failures: u64,
    /// Operations that ended, well or not, since the warm-up began.
    pub(super) finished: u64,
    first_failure: Option<String>,
    first_ever: Option<String>,
    worked: bool,
    latency: Histogram<u32>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { phase: AtomicU8::new(WARMING_UP), counts: Mutex::new(Counts::new()), hopeless: Notify::new() }
    }

    /// An operation ended well.
    pub(super) fn done(&self, took: Duration, bytes: u64) {
        let mut counts = self.counts();
        counts.worked = true;
        counts.finished += 1;
        if self.phase() == MEASURING {
            counts.operations += 1;
            counts.bytes += bytes;
            counts.latency.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Bytes were taken, of something that has no operations.
    pub(super) fn taken(&self, bytes: usize) {
        let mut counts = self.counts();
        counts.worked = true;
        if self.phase() == MEASURING {
            counts.bytes += bytes as u64;
        }
    }

    /// Something works, but is not counted.
    pub(super) fn works(&self) {
        self.counts().worked = true;
    }

    /// An operation failed.
    pub(super) fn failed(&self, failure: &Failure) {
        let mut counts = self.counts();
        counts.finished += 1;
        counts.first_ever.get_or_insert_with(|| failure.words());
        if self.phase() != WARMING_UP {
            counts.fail(1, || failure.words());
        }
        if !counts.worked {
            self.hopeless.notify_one();
        }
    }

    /// The measured time begins.
    pub(super) fn begin(&self) {
        self.phase.store(MEASURING, Ordering::Relaxed);
    }

    /// The measured time is over, and the workers are to come to an end. How many operations have ended by now?
    pub(super) fn end(&self) -> u64 {
        self.phase.store(OVER, Ordering::Relaxed);
        self.counts().finished
    }

    /// Whether there is still work to do.
    pub(super) fn goes_on(&self) -> bool {
        self.phase() != OVER
    }

    /// Returns when the first operation of all has failed.
    pub(super) async fn hopeless(&self) -> String {
        self.hopeless.notified().await;
        self.counts().first_words()
    }

    /// What was counted.
    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }
}

impl Counts {
    fn new() -> Self {
        Self {
            operations: 0,
            bytes: 0,
            failures: 0,
            finished: 0,
            first_failure: None,
            first_ever: None,
            worked: false,
            latency: Histogram::new_with_max(LONGEST_NANOS, 3).expect("1 ns to 60 s at 3 digits is a range"),
        }
    }

    /// Counts failures, and keeps the words of the first.
    pub(super) fn fail(&mut self, many: u64, words: impl FnOnce() -> String) {
        self.failures += many;
        self.first_failure.get_or_insert_with(words);
    }

    /// Whether anything has worked since the warm-up began.
    pub(super) fn worked(&self) -> bool {
        self.worked
    }

    /// The first failure of the measured time.
    pub(super) fn first_failure(&self) -> Option<String> {
        self.first_failure.clone()
    }

    /// The first failure since the warm-up began, or that there was none.
    pub(super) fn first_words(&self) -> String {
        self.first_ever.clone().unwrap_or_else(|| "no operation failed".to_owned())
    }

    /// Percentiles; none where nothing was timed.
    pub(super) fn latency(&self) -> Option<Latency> {
        let at = |quantile| self.latency.value_at_quantile(quantile);
        (!self.latency.is_empty()).then(|| Latency {
            count: self.latency.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.latency.max(),
        })
    }
}

const WARMING_UP: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What takes longer than 60 s is kept as 60 s.
const LONGEST_NANOS: u64 = 60_000_000_000;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn refused() -> Failure {
        Failure::Connect(io::Error::from(io::ErrorKind::ConnectionRefused))
    }

    #[test]
    fn only_what_ends_in_the_measured_time_is_counted() {
        let meter = Meter::new();
        meter.done(Duration::from_micros(1), 1);
        meter.begin();
        meter.done(Duration::from_micros(100), 10);
        meter.done(Duration::from_micros(300), 10);
        assert_eq!(meter.end(), 3);
        meter.done(Duration::from_micros(1), 1);
        let counts = meter.counts();
        assert_eq!((counts.operations, counts.bytes, counts.failures), (2, 20, 0));
        let latency = counts.latency().expect("two were timed");
        assert_eq!((latency.count, latency.p50, latency.max / 1000), (2, 100_031, 300));
    }

    #[test]
    fn failures_of_the_warm_up_are_not_counted_but_those_after_the_end_are() {
        let meter = Meter::new();
        meter.works();
        meter.failed(&refused());
        meter.begin();
        meter.end();
        meter.failed(&Failure::Ended);
        let counts = meter.counts();
        assert_eq!((counts.failures, counts.first_failure()), (1, Some("the connection ended early".to_owned())));
        assert_eq!(counts.first_words(), "cannot connect: connection refused");
    }

    #[test]
    fn what_lasts_longer_than_the_longest_is_kept_as_that() {
        let meter = Meter::new();
        meter.begin();
        meter.done(Duration::from_secs(1000), 0);
        let max = meter.counts().latency().expect("one was timed").max;
        assert_eq!(max / 1_000_000_000, 60);
    }
}
