//! The clocks that the proxy believes: the wall clock for certificates, and the one that never jumps for deadlines.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::clock::{Clock, SystemClock, since_boot};
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::feed::Moment;

/// Both clocks, and the CA's word on the first.
pub trait Clocks: Clock {
    /// Time since the machine started, suspension included.
    fn boot(&self) -> Duration;

    /// From here on no time before this one is told.
    fn hear(&self, floor: Timestamp);

    /// What both show now.
    fn moment(&self) -> Moment {
        Moment { wall: self.now(), boot: self.boot() }
    }
}

/// Clocks that several tasks read.
pub type SharedClocks = Arc<dyn Clocks>;

impl Clocks for SystemClock {
    fn boot(&self) -> Duration {
        since_boot()
    }

    fn hear(&self, floor: Timestamp) {
        Self::hear(self, floor);
    }
}
