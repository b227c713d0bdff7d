//! When the CA is asked. Pure: the driver owns the socket, the clock and the dice.

use std::time::Duration;

use bulkhead_mesh::Timestamp;
use bulkhead_protocol::jitter::Jitter;
use bulkhead_protocol::renewal::{Action, Input, Lifetime, Renewal, Settings};

/// `protocol`'s renewal, in a hurry while nothing is held that peers believe.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    renewal: Renewal,
    /// The renewal has said that it is time, and the driver has not asked yet.
    due: bool,
    /// Refusals in a row.
    refusals: u32,
    /// Set after a refusal; nothing is asked before.
    rests_until: Timestamp,
}

impl Schedule {
    /// Nothing is held: it is time at once.
    pub(super) fn new() -> Self {
        Self { renewal: Renewal::new(HURRIED), due: false, refusals: 0, rests_until: Timestamp::EPOCH }
    }

    /// Whether to ask now; when so, the driver says next how that ended.
    pub(super) fn asks(&mut self, now: Timestamp) -> bool {
        if now < self.rests_until {
            return false;
        }
        while !self.due {
            match self.renewal.step(Input::Tick, now, Jitter::NONE) {
                Action::Renew => self.due = true,
                Action::Expired => self.hurry(),
                Action::Wait => return false,
            }
        }
        std::mem::take(&mut self.due)
    }

    /// When to look again, at the latest.
    pub(super) fn wake_at(&self) -> Timestamp {
        if self.due { self.rests_until } else { self.renewal.wake_at().max(self.rests_until) }
    }

    /// The CA has just issued this. Where the own clock is ahead it seems to have been issued long ago, and would be due
    /// again at once, each time.
    pub(super) fn issued(&mut self, lifetime: Lifetime, now: Timestamp, jitter: Jitter) {
        let not_before = lifetime.not_before.max(now).min(lifetime.not_after);
        self.found(Lifetime { not_before, ..lifetime }, now, jitter);
    }

    /// This is there from an earlier run.
    pub(super) fn found(&mut self, lifetime: Lifetime, now: Timestamp, jitter: Jitter) {
        *self = Self { renewal: Renewal::new(Settings::default()), ..Self::new() };
        self.due = self.renewal.step(Input::Issued(lifetime), now, jitter) == Action::Renew;
    }

    /// The CA has decided against it. It may decide otherwise soon, as when a node is about to be admitted; who is refused
    /// for good asks less and less often.
    pub(super) fn refused(&mut self, now: Timestamp, jitter: Jitter) {
        self.failed(now, jitter);
        let doubled = HURRIED.first_pause.saturating_mul(1_u32.checked_shl(self.refusals).unwrap_or(u32::MAX));
        let rest = doubled.min(LONGEST_REST);
        self.refusals = self.refusals.saturating_add(1);
        self.rests_until = now.plus(rest / 2).plus(jitter.of(rest / 2));
    }

    /// Nobody has answered, or not as it should be.
    pub(super) fn failed(&mut self, now: Timestamp, jitter: Jitter) {
        self.due = self.renewal.step(Input::Failed, now, jitter) == Action::Renew;
    }

    /// What is held is worth nothing any more: it is time at once, and then soon again and again.
    pub(super) fn hurry(&mut self) {
        *self = Self::new();
    }
}

/// A pod's start waits for it, or its traffic stands still. The pauses after the first failures are, before the dice
/// shorten each by up to a half: 0.5 s, 1 s, 2 s, and so on up to the longest.
const HURRIED: Settings = Settings { first_pause: Duration::from_millis(500), longest_pause: Duration::from_secs(10) };

/// Between two questions of a workload that is refused again and again.
const LONGEST_REST: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn life(from: u64, to: u64) -> Lifetime {
        Lifetime { not_before: at(from), not_after: at(to) }
    }

    /// The pauses after so many failures in a row, the dice showing nothing.
    fn pauses(schedule: &mut Schedule, mut now: Timestamp, failures: usize) -> Vec<u128> {
        let mut pauses = Vec::new();
        for _ in 0..failures {
            assert!(schedule.asks(now));
            schedule.failed(now, Jitter::NONE);
            pauses.push(schedule.wake_at().since(now).as_millis());
            now = schedule.wake_at();
        }
        pauses
    }

    #[test]
    fn without_a_certificate_attempts_follow_each_other_soon() {
        let paused = pauses(&mut Schedule::new(), at(1000), 8);
        assert_eq!(paused, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
    }

    #[test]
    fn who_is_refused_again_and_again_asks_less_and_less_often() {
        let (mut schedule, mut now, mut pauses) = (Schedule::new(), at(1000), Vec::new());
        for _ in 0..12 {
            assert!(schedule.asks(now));
            schedule.refused(now, Jitter::NONE);
            pauses.push(schedule.wake_at().since(now).as_millis());
            now = schedule.wake_at();
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
        schedule.hurry();
        assert!(schedule.asks(now), "a cutoff is another matter");
    }

    #[test]
    fn a_certificate_is_renewed_after_a_third_and_then_patiently() {
        let mut schedule = Schedule::new();
        assert!(schedule.asks(at(0)));
        schedule.issued(life(0, 36_000), at(0), Jitter::NONE);
        assert!(!schedule.asks(at(11_999)));
        assert_eq!(schedule.wake_at(), at(12_000));
        let paused = pauses(&mut schedule, at(12_000), 10);
        assert_eq!(paused.last(), Some(&150_000), "{paused:?}");
    }

    #[test]
    fn one_from_an_earlier_run_that_is_overdue_is_renewed_at_once() {
        let mut schedule = Schedule::new();
        schedule.found(life(0, 3600), at(3000), Jitter::NONE);
        assert_eq!((schedule.wake_at(), schedule.asks(at(3000)), schedule.asks(at(3000))), (at(0), true, false));
    }

    #[test]
    fn a_clock_that_is_ahead_does_not_have_the_ca_asked_without_a_pause() {
        let mut schedule = Schedule::new();
        assert!(schedule.asks(at(3000)));
        schedule.issued(life(0, 3600), at(3000), Jitter::NONE);
        assert_eq!((schedule.asks(at(3000)), schedule.wake_at()), (false, at(3200)));
    }

    #[test]
    fn what_is_cut_off_or_has_ended_is_asked_for_at_once_and_in_a_hurry() {
        let mut schedule = Schedule::new();
        schedule.issued(life(0, 36_000), at(0), Jitter::NONE);
        schedule.hurry();
        assert_eq!(pauses(&mut schedule, at(5), 3), [250, 500, 1000]);
        schedule.issued(life(0, 36_000), at(10), Jitter::NONE);
        assert!(schedule.asks(at(12_010)));
        schedule.failed(at(12_010), Jitter::NONE);
        assert_eq!(pauses(&mut schedule, at(36_001), 2), [250, 500]);
    }

    #[test]
    fn an_answer_that_has_ended_already_is_a_failure() {
        let mut schedule = Schedule::new();
        assert!(schedule.asks(at(5000)));
        schedule.issued(life(0, 3600), at(5000), Jitter::NONE);
        assert!(!schedule.asks(at(5000)));
    }
}
