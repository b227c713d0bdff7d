//! The clock that verification believes.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bulkhead_mesh::Timestamp;

/// Reads the present time.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// This host's clock, but never earlier than the time last heard from the CA: a host whose clock was set back does not
/// believe certificates that have ended.
#[derive(Debug, Default)]
pub struct SystemClock {
    /// Milliseconds; 0 while nothing was heard.
    heard: AtomicU64,
}

impl SystemClock {
    /// Remembers the CA's time. The CA's time falls only on an operator's command, so an earlier one is believed too.
    pub fn hear(&self, time: Timestamp) {
        self.heard.store(time.as_millis(), Ordering::Relaxed);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is wrong by more than any certificate lives; what was heard then stands alone.
        let host = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.plus(host).max(Timestamp::from_millis(self.heard.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_is_never_before_the_last_one_heard() {
        let clock = SystemClock::default();
        let present = clock.now();
        assert!(present > Timestamp::from_secs(1_700_000_000));
        let ahead = present.plus(Duration::from_hours(1));
        clock.hear(ahead);
        assert_eq!(clock.now(), ahead);
        clock.hear(present);
        assert!((present..ahead).contains(&clock.now()));
    }
}
