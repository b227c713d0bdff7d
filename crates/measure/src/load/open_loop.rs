//! Requests at a constant rate: which is next, and when it should have been sent.
//!
//! Requests wait in a queue without bound until a connection is free; since they are all alike, the queue is two numbers,
//! how many are due and how many are taken. Latency counts from the intended moment, so a client or a connection that is
//! late makes it longer and never hides it.

use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;

use super::error::LoadError;
use super::meter::Meter;
use super::rhythm::Rhythm;

/// The requests of a run.
#[derive(Debug)]
pub(super) struct Timetable {
    rhythm: Rhythm,
    began: Instant,
    /// One permit for each request that is due and not taken.
    due: Semaphore,
    taken: AtomicU64,
}

impl Timetable {
    /// Begins now; the returned future lets requests become due until the time is over.
    pub(super) fn begin(
        rate: NonZeroU32,
        meter: Arc<Meter>,
    ) -> Result<(Arc<Self>, impl Future<Output = ()> + Send), LoadError> {
        let rhythm = Rhythm::of(rate);
        // The clock is read before the timer starts: at each of its ticks a request is due, and not just about to be.
        let began = Instant::now();
        let timer = timer(rhythm.distance()).map_err(|source| LoadError::Timer { source })?;
        let table = Arc::new(Self { rhythm, began, due: Semaphore::new(0), taken: AtomicU64::new(0) });
        Ok((Arc::clone(&table), async move { table.pace(&timer, &meter).await }))
    }

    /// The next request's intended moment, once that has come; `None` when the time is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let index = self.taken.fetch_add(1, Ordering::Relaxed);
        Some(self.began + self.rhythm.intended(index))
    }

    /// How many requests have waited for longer than [`LATE`] when `finished` have been answered.
    ///
    /// The others, those under way and those of a short jam, are what every open loop leaves at its end.
    pub(super) fn overdue(&self, now: Instant, finished: u64) -> u64 {
        let long_ago = now.saturating_duration_since(self.began).saturating_sub(LATE);
        self.rhythm.due(long_ago).saturating_sub(finished)
    }

    async fn pace(&self, timer: &AsyncFd<File>, meter: &Meter) {
        let mut released = 0;
        while meter.goes_on() && tick(timer).await.is_ok() {
            let due = self.rhythm.due(self.began.elapsed());
            self.due.add_permits(usize::try_from(due - released).unwrap_or(0));
            released = due;
        }
        self.due.close();
    }
}

/// Tokio's own timers tick in milliseconds, which would be most of a latency of 100 us. This one is as fine as the
/// system's clock, and sleeps in the same epoll as the sockets.
#[allow(
    deprecated,
    reason = "the successor of `AsyncFd::new` is unsafe; a File owns its descriptor as long as it lives"
)]
fn timer(distance: Duration) -> io::Result<AsyncFd<File>> {
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
    timer.set(Expiration::Interval(distance.into()), TimerSetTimeFlags::empty())?;
    AsyncFd::new(File::from(OwnedFd::from(timer)))
}

/// Waits for the timer; ticks that were missed come as one.
async fn tick(timer: &AsyncFd<File>) -> io::Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        if let Ok(read) = ready.try_io(|timer| timer.get_ref().read(&mut [0; 8])) {
            return read.map(drop);
        }
    }
}

/// A request that has waited longer than this when the time is over counts as a failure.
const LATE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rate: u32, began: Instant) -> Timetable {
        let rhythm = Rhythm::of(NonZeroU32::new(rate).expect("not zero"));
        Timetable { rhythm, began, due: Semaphore::new(3), taken: AtomicU64::new(0) }
    }

    #[test]
    fn what_has_waited_for_long_is_overdue() {
        for (rate, millis, finished, overdue) in [
            (1000, 2000, 2000, 0),
            (1000, 2000, 1990, 0),
            (1000, 2000, 1900, 0),
            (1000, 2000, 1899, 1),
            (10_000, 2000, 5000, 14_000),
            (1000, 50, 0, 0),
        ] {
            let began = Instant::now();
            let found = table(rate, began).overdue(began + Duration::from_millis(millis), finished);
            assert_eq!(found, overdue, "{rate} a second after {millis} ms with {finished} answered");
        }
    }

    #[tokio::test]
    async fn requests_are_taken_in_order_with_their_intended_moments() {
        let began = Instant::now();
        let table = table(1000, began);
        for millis in 1..=3 {
            assert_eq!(table.next().await, Some(began + Duration::from_millis(millis)));
        }
        table.due.close();
        assert_eq!(table.next().await, None);
    }

    #[tokio::test]
    async fn the_timer_releases_all_requests_that_are_due() {
        let meter = Arc::new(Meter::new());
        let (table, pacing) = Timetable::begin(NonZeroU32::new(20_000).expect("not zero"), Arc::clone(&meter)).unwrap();
        let pacing = tokio::spawn(pacing);
        for _ in 0..2000 {
            let intended = table.next().await.unwrap();
            assert!(intended <= Instant::now(), "a request is never early");
        }
        meter.end();
        pacing.await.unwrap();
        assert!(table.due.is_closed());
    }
}
