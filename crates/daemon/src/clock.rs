//! Where a program reads the time and waits for it: a parameter of every driver, so that a test is the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::clock;
use bulkhead_identity::clock::Clock as _;
use bulkhead_mesh::Timestamp;
use nix::time::{ClockId, clock_gettime};

pub use bulkhead_identity::clock::SystemClock;

/// A clock that tells the time, as handshakes ask it, and wakes its callers.
pub trait Clock: clock::Clock {
    /// Ends at `moment` or soon after it, at once when it has passed.
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A clock that several tasks read.
pub type SharedClock = Arc<dyn Clock>;

impl Clock for SystemClock {
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while self.now() < moment {
                tokio::time::sleep(moment.since(self.now()).min(LONGEST_NAP)).await;
            }
        })
    }
}

/// Time since the machine started, suspension included (CLOCK_BOOTTIME): never jumps, so deadlines hang on it.
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    time.expect("Linux has had CLOCK_BOOTTIME since 2.6.39, and reading it needs no right")
}

/// The wall clock may be set, and the host may be suspended, while a timer sleeps; so it is looked at this often.
const LONGEST_NAP: Duration = Duration::from_secs(1);
