//! When the next certificate is asked for: `protocol`'s renewal, and a long rest once the CA has refused. Pure: the
//! driver owns the socket, the clock and the dice.

use std::time::Duration;

use bulkhead_identity::profile::BACKDATED;
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::jitter::Jitter;
use bulkhead_protocol::renewal::{Action, Input, Lifetime, Renewal, Settings};

use crate::leaf::Leaf;

/// One certificate's place: the one that is held, and when the next is due.
#[derive(Clone, Debug)]
pub struct Slot {
    renewal: Renewal,
    /// Set after a refusal; nothing is asked before.
    rests_until: Timestamp,
    /// The renewal has said that it is time, and the driver has not asked yet.
    due: bool,
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
    /// A place that holds what an earlier run has kept; where that is nothing or has ended, a certificate is due.
    pub fn new(held: Option<&Leaf>, now: Timestamp) -> Self {
        let mut slot = Self { renewal: Renewal::new(Settings::default()), rests_until: Timestamp::EPOCH, due: false };
        if let Some(leaf) = held.filter(|leaf| now <= leaf.not_after) {
            // No dice here: the moment at which the agent started has spread the hosts already.
            slot.happened(&Event::Issued(leaf.clone()), now, Jitter::NONE);
        }
        slot
    }

    /// Whether a certificate is to be asked for now; when it is, [`Slot::happened`] must be told how that ended.
    pub fn asks(&mut self, now: Timestamp) -> bool {
        if now < self.rests_until {
            return false;
        }
        while !self.due {
            match self.renewal.step(Input::Tick, now, Jitter::NONE) {
                Action::Renew => self.due = true,
                // What has ended is not shown, which is the offer's part; here it only means to go on asking.
                Action::Expired => {}
                Action::Wait => return false,
            }
        }
        std::mem::take(&mut self.due)
    }

    /// When to look again, at the latest.
    pub fn wake_at(&self) -> Timestamp {
        if self.due { self.rests_until } else { self.renewal.wake_at().max(self.rests_until) }
    }

    /// There is reason to believe that the certificate is worth nothing: another one is due, but not before the rest after
    /// a refusal is over.
    pub fn doubted(&mut self) {
        self.due = true;
    }

    /// Takes note of how asking ended.
    pub fn happened(&mut self, event: &Event, now: Timestamp, jitter: Jitter) {
        self.rests_until = match event {
            Event::Refused => now.plus(AFTER_REFUSAL / 2 + jitter.of(AFTER_REFUSAL / 2)),
            Event::Issued(_) | Event::Failed => Timestamp::EPOCH,
        };
        let input = match event {
            Event::Issued(leaf) => Input::Issued(lifetime(leaf)),
            Event::Failed | Event::Refused => Input::Failed,
        };
        self.due = self.renewal.step(input, now, jitter) == Action::Renew;
    }
}

/// Counted from the issue: notBefore lies before it, and would make a short life look half over.
fn lifetime(leaf: &Leaf) -> Lifetime {
    Lifetime { not_before: leaf.not_before.plus(BACKDATED).min(leaf.not_after), not_after: leaf.not_after }
}

/// A no is an operator's decision, and so is its end.
const AFTER_REFUSAL: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    const NOW: Timestamp = Timestamp::from_secs(10_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn leaf(seconds: u64) -> Leaf {
        Leaf { id: id("/ns/shop/sa/web"), not_before: NOW.minus(BACKDATED), not_after: after(seconds) }
    }

    /// A place whose first certificate, of this many seconds, has come.
    fn holding(seconds: u64, jitter: Jitter) -> Slot {
        let mut slot = Slot::new(None, NOW);
        assert!(slot.asks(NOW), "without a certificate one is asked for at once");
        slot.happened(&Event::Issued(leaf(seconds)), NOW, jitter);
        slot
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_life_has_passed() {
        let mut slot = holding(300, Jitter::NONE);
        assert!(!slot.asks(after(99)));
        assert_eq!(slot.wake_at(), after(100));
        assert!(slot.asks(after(100)));
        assert!((100..=125).contains(&holding(300, Jitter::from_random(u32::MAX)).wake_at().since(NOW).as_secs()));
    }

    #[test]
    fn a_restart_keeps_to_the_third_of_what_it_finds() {
        let mut slot = Slot::new(Some(&leaf(300)), NOW);
        assert_eq!((slot.asks(NOW), slot.wake_at()), (false, after(100)));
        assert!(Slot::new(Some(&leaf(300)), after(200)).asks(after(200)), "overdue");
        assert!(Slot::new(Some(&leaf(300)), after(301)).asks(after(301)), "ended");
    }

    #[test]
    fn a_question_that_is_open_is_not_asked_twice() {
        let mut slot = Slot::new(None, NOW);
        assert!(slot.asks(NOW));
        assert!(!slot.asks(after(1)));
    }

    #[test]
    fn failures_are_repeated_soon_and_refusals_rarely() {
        let mut slot = Slot::new(None, NOW);
        assert!(slot.asks(NOW));
        slot.happened(&Event::Failed, NOW, Jitter::NONE);
        assert!(slot.asks(after(1)));
        slot.happened(&Event::Refused, after(1), Jitter::NONE);
        assert!(!slot.asks(after(300)));
        assert_eq!(slot.wake_at(), after(301));
        assert!(slot.asks(after(301)));
    }

    #[test]
    fn a_doubted_certificate_is_renewed_at_once_but_not_within_the_rest_after_a_refusal() {
        let mut slot = holding(300, Jitter::NONE);
        slot.doubted();
        assert_eq!((slot.wake_at(), slot.asks(NOW), slot.asks(NOW)), (Timestamp::EPOCH, true, false));
        slot.happened(&Event::Refused, NOW, Jitter::NONE);
        slot.doubted();
        assert_eq!((slot.asks(after(299)), slot.wake_at()), (false, after(300)));
        assert!(slot.asks(after(300)));
    }

    #[test]
    fn the_end_of_a_certificate_does_not_end_the_asking() {
        let mut slot = holding(300, Jitter::NONE);
        assert!(slot.asks(after(100)));
        slot.happened(&Event::Failed, after(100), Jitter::NONE);
        assert!(slot.asks(after(301)));
    }

    #[test]
    fn a_life_of_nothing_does_not_have_the_ca_asked_without_a_pause() {
        assert!(!holding(0, Jitter::NONE).asks(NOW));
    }
}
