//! What a subscriber asks of its driver.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Cutoff, Policy, Resolution, SpkiDigest};

use super::Lost;
use crate::feed::Position;
use crate::jitter::Jitter;
use crate::v1::{self, watch_request::Message};

/// What a subscriber asks of its driver, in this order.
#[derive(Debug)]
pub enum Action {
    /// Send this on the stream.
    Send(v1::WatchRequest),
    /// The truth has changed: enforce it, then say so by [`Subscriber::enforced`](super::Subscriber::enforced).
    Apply {
        /// Where the truth stands now.
        position: Position,
        /// What is different; all of it is in [`Subscriber::held`](super::Subscriber::held).
        change: Change,
    },
    /// Write [`Held::to_bytes`](super::Held::to_bytes) to the disk, before anything applied until now is acknowledged.
    Persist,
    /// An address that was looked up stands for this, now or from now on.
    Resolved(IpAddr, Resolution),
    /// To an agent: all registrations of its node.
    Registrations(v1::Registrations),
    /// Drop the stream, if there still is one, and open another after a pause.
    Reconnect {
        /// Why.
        reason: Lost,
        /// How long the pause is.
        backoff: Backoff,
    },
}

/// What is different in the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another policy.
    Policy(Arc<Policy>),
    /// Other accepted issuers.
    Issuers(Arc<BTreeSet<SpkiDigest>>),
    /// One more cutoff.
    Cutoff(Cutoff),
    /// Everything, at once: a snapshot. No cutoff that was held before is gone.
    Whole,
    /// Cutoffs that can match no certificate any more were forgotten; nothing new is forbidden or allowed.
    Expired,
}

/// A pause of a random length, so that a thousand proxies do not come back to a restarted CA in the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    longest: Duration,
}

impl Backoff {
    /// The pause after this many failures in a row: up to `first`, doubled for each, at most `longest`.
    pub fn after(failures: u32, first: Duration, longest: Duration) -> Self {
        let doubled = first.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
        Self { longest: doubled.min(longest) }
    }

    /// How long to wait: anything from nothing to the longest pause.
    pub fn delay(self, jitter: Jitter) -> Duration {
        jitter.of(self.longest)
    }
}

impl From<Message> for Action {
    fn from(message: Message) -> Self {
        Self::Send(v1::WatchRequest { message: Some(message) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let (first, longest) = (Duration::from_millis(250), Duration::from_secs(10));
        for (failures, millis) in
            [(0, 250), (1, 500), (5, 8000), (6, 10_000), (31, 10_000), (32, 10_000), (u32::MAX, 10_000)]
        {
            assert_eq!(Backoff::after(failures, first, longest).longest, Duration::from_millis(millis), "{failures}");
        }
        let pause = Backoff::after(0, first, longest);
        assert_eq!((pause.delay(Jitter::NONE), pause.delay(Jitter::from_random(1 << 31))), (Duration::ZERO, first / 2));
    }
}
