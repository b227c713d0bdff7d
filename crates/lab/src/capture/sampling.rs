//! A capture of a few packets, which ends by itself.

use super::{Capture, Recording};
use crate::error::LabError;

/// A running `tcpdump` on the bridge that ends when it has seen a number of packets of one host.
///
/// It may miss packets that come faster than it reads, so it proves what it shows and no absence.
pub struct Sampling(Recording);

impl Sampling {
    pub(crate) fn new(recording: Recording) -> Self {
        Self(recording)
    }

    /// What was captured so far; it goes on.
    pub fn so_far(&self) -> Result<Capture, LabError> {
        self.0.so_far()
    }

    /// Ends it, when all that was sent before is in it or it has its number of packets; its file is removed.
    pub fn finish(self) -> Result<Capture, LabError> {
        self.0.finish()
    }
}
