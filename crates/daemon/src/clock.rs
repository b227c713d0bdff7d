//! Where a program reads the time and waits for it: a parameter of every driver, so that a test is the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bulkhead_identity::tls::{self, Clock as _};
use bulkhead_mesh::Timestamp;

/// A clock that tells the time, as handshakes ask it, and wakes its callers.
pub trait Clock: tls::Clock {
    /// Ends at `moment` or soon after it, at once when it has passed.
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A clock that several tasks read.
pub type SharedClock = Arc<dyn Clock>;

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl tls::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is a clock that was never set: every certificate is then not yet valid, which is refused.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Clock for SystemClock {
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while self.now() < moment {
                tokio::time::sleep(moment.since(self.now()).min(LONGEST_NAP)).await;
            }
        })
    }
}

/// The wall clock may be set, and the host may be suspended, while a timer sleeps; so it is looked at this often.
const LONGEST_NAP: Duration = Duration::from_secs(1);
