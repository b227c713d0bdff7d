//! A reading of both clocks: the wall clock, which may jump, and the one that only goes forward.

use std::time::Duration;

use bulkhead_mesh::Timestamp;

/// What the two clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock: compared with certificates and with the CA's time; an administrator may set it.
    pub wall: Timestamp,
    /// Time since the machine started, suspension included (CLOCK_BOOTTIME): never jumps, so deadlines hang on it, and
    /// a laptop that slept knows that what it holds is stale.
    pub boot: Duration,
}
