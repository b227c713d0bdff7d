//! Clocks that go with tokio's, which a test pauses and moves.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulkhead_daemon::clock::Clock;
use bulkhead_mesh::Timestamp;
use tokio::time::Instant;

use super::certificates::NOW;
use crate::clocks::Clocks;

/// A wall clock that shows [`NOW`] at the start of the test, and a machine that started an hour before.
pub(crate) struct TestClocks {
    start: Instant,
    set_back: Mutex<Duration>,
    heard: AtomicU64,
    at_the_next_look: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl TestClocks {
    pub(crate) fn new() -> Arc<Self> {
        Self::after(Duration::ZERO)
    }

    /// Clocks of a test that goes on where another has ended.
    pub(crate) fn after(earlier: Duration) -> Arc<Self> {
        let start = Instant::now().checked_sub(earlier).unwrap();
        Arc::new(Self {
            start,
            set_back: Mutex::default(),
            heard: AtomicU64::new(0),
            at_the_next_look: Mutex::default(),
        })
    }

    /// What the CA's own clock shows, whatever happens to ours.
    pub(crate) fn of_the_ca(&self) -> Timestamp {
        NOW.plus(self.start.elapsed())
    }

    /// Somebody sets the wall clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        *self.set_back.lock().unwrap() = by;
    }

    /// The next one who reads the wall clock does this first: a barrier between two steps of what is tested.
    pub(crate) fn at_the_next_look(&self, deed: impl FnOnce() + Send + 'static) {
        *self.at_the_next_look.lock().unwrap() = Some(Box::new(deed));
    }
}

impl bulkhead_identity::Clock for TestClocks {
    fn now(&self) -> Timestamp {
        let deed = self.at_the_next_look.lock().unwrap().take();
        if let Some(deed) = deed {
            deed();
        }
        let wall = NOW.plus(self.start.elapsed()).minus(*self.set_back.lock().unwrap());
        wall.max(Timestamp::from_millis(self.heard.load(Ordering::Relaxed)))
    }
}

impl Clock for TestClocks {
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while bulkhead_identity::Clock::now(self) < moment {
                tokio::time::sleep(moment.since(bulkhead_identity::Clock::now(self)).min(Duration::from_secs(1))).await;
            }
        })
    }
}

impl Clocks for TestClocks {
    fn boot(&self) -> Duration {
        self.start.elapsed() + Duration::from_hours(1)
    }

    fn hear(&self, floor: Timestamp) {
        self.heard.store(floor.as_millis(), Ordering::Relaxed);
    }
}

impl std::fmt::Debug for TestClocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestClocks")
    }
}
