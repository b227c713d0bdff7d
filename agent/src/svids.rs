//! When the next certificate is asked for: at a third of its life, later and later while the CA fails, rarely once it
//! has refused. Pure: the driver owns the socket, the clock and the dice.

use std::time::Duration;

use bulkhead_identity::profile::BACKDATED;
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::jitter::Jitter;

use crate::backoff::Backoff;
use crate::leaf::Leaf;

/// One certificate's place: the one that is held, and when the next is due.
#[derive(Clone, Debug)]
pub struct Slot {
    wake_at: Timestamp,
    backoff: Backoff,
}

/// How asking ended.
#[derive(Clone, Debug)]
pub enum Event {
    /// With this certificate.
    Issued(Leaf),
    /// Without an answer: the CA may be down.
    Failed,
    /// With a no: the node is revoked, or the registration is not its own any more.
    Refused,
}

impl Slot {
    /// A place that holds what an earlier run has kept, or nothing; nothing is due at once.
    pub fn new(held: Option<&Leaf>, now: Timestamp) -> Self {
        // No dice here: the moment at which the agent started has spread the hosts already.
        let wake_at = held.map_or(now, |leaf| due(leaf, Jitter::NONE));
        Self { wake_at, backoff: Backoff::default() }
    }

    /// Whether a certificate is to be asked for now.
    pub fn asks(&self, now: Timestamp) -> bool {
        now >= self.wake_at
    }

    /// When to look again, at the latest.
    pub fn wake_at(&self) -> Timestamp {
        self.wake_at
    }

    /// Takes note of how asking ended.
    pub fn happened(&mut self, event: &Event, now: Timestamp, jitter: Jitter) {
        self.wake_at = match event {
            Event::Issued(leaf) => {
                self.backoff.succeeded();
                // A certificate that is due at once would have the CA asked without a pause.
                due(leaf, jitter).max(now.plus(Backoff::SHORTEST))
            }
            Event::Failed => now.plus(self.backoff.failed(jitter)),
            Event::Refused => now.plus(AFTER_REFUSAL / 2 + jitter.of(AFTER_REFUSAL / 2)),
        };
    }
}

/// A third of the life counted from the issue, and up to a thirtieth more. notBefore lies before the issue and would
/// make a short life look half over.
fn due(leaf: &Leaf, jitter: Jitter) -> Timestamp {
    let issued = leaf.not_before.plus(BACKDATED).min(leaf.not_after);
    let life = leaf.not_after.since(issued);
    issued.plus(life / 3).plus(jitter.of(life / 30))
}

/// A no is an operator's decision, and so is its end.
const AFTER_REFUSAL: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    const NOW: Timestamp = Timestamp::from_secs(10_000);

    fn leaf(seconds: u64) -> Leaf {
        let not_after = NOW.plus(Duration::from_secs(seconds));
        Leaf { id: id("/ns/shop/sa/web"), not_before: NOW.minus(BACKDATED), not_after }
    }

    #[test]
    fn without_a_certificate_one_is_asked_for_at_once() {
        assert!(Slot::new(None, NOW).asks(NOW));
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_life_has_passed() {
        let mut slot = Slot::new(None, NOW);
        slot.happened(&Event::Issued(leaf(300)), NOW, Jitter::NONE);
        assert!(!slot.asks(NOW.plus(Duration::from_secs(99))));
        assert!(slot.asks(NOW.plus(Duration::from_secs(100))));
        slot.happened(&Event::Issued(leaf(300)), NOW, Jitter::from_random(u32::MAX));
        assert!((100..=110).contains(&slot.wake_at().since(NOW).as_secs()));
    }

    #[test]
    fn a_restart_keeps_to_the_third_of_what_it_finds() {
        assert_eq!(Slot::new(Some(&leaf(300)), NOW).wake_at(), NOW.plus(Duration::from_secs(100)));
    }

    #[test]
    fn failures_are_repeated_soon_and_refusals_rarely() {
        let mut slot = Slot::new(None, NOW);
        slot.happened(&Event::Failed, NOW, Jitter::NONE);
        assert!(slot.wake_at() <= NOW.plus(Backoff::SHORTEST));
        slot.happened(&Event::Refused, NOW, Jitter::NONE);
        assert!(slot.wake_at() >= NOW.plus(AFTER_REFUSAL / 2));
    }

    #[test]
    fn a_life_of_nothing_does_not_have_the_ca_asked_without_a_pause() {
        let mut slot = Slot::new(None, NOW);
        slot.happened(&Event::Issued(leaf(0)), NOW, Jitter::NONE);
        assert!(!slot.asks(NOW));
    }
}
