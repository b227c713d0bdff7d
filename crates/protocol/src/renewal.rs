//! When to ask for the next certificate, and when to stop believing the one that there is.
//!
//! The caller owns the socket, the clock and the dice: it calls [`Renewal::step`] no later than [`Renewal::wake_at`]
//! and with each outcome, and does what it is told.

use std::time::Duration;

use bulkhead_mesh::Timestamp;

use crate::jitter::Jitter;

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Its `notBefore`.
    pub not_before: Timestamp,
    /// Its `notAfter`: the last moment at which it is believed.
    pub not_after: Timestamp,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The certificate that was asked for is there; or one was found on the disk at the start.
    Issued(Lifetime),
    /// It was refused, or nobody has answered in time.
    Failed,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing until [`Renewal::wake_at`].
    Wait,
    /// Ask for a certificate; the outcome is the next input but ticks.
    Renew,
    /// The certificate has ended: neither show it nor go on with what was proved by it.
    Expired,
}

/// How long to wait between attempts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// After the first failure the pause is drawn from half of this up to this; it doubles with each failure. Default
    /// 1 s.
    pub first_pause: Duration,
    /// The longest pause. Default 5 minutes.
    pub longest_pause: Duration,
}

/// The renewal of one certificate.
#[derive(Clone, Debug)]
pub struct Renewal {
    settings: Settings,
    /// The certificate that is believed.
    holds: Option<Lifetime>,
    next: Next,
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Ask at this moment.
    AskAt(Timestamp),
    /// The answer to what was asked.
    Answer,
}

impl Default for Settings {
    fn default() -> Self {
        Self { first_pause: Duration::from_secs(1), longest_pause: Duration::from_mins(5) }
    }
}

impl Renewal {
    /// Without a certificate: the first tick asks for one. What was kept on a disk is then an [`Input::Issued`].
    pub fn new(settings: Settings) -> Self {
        Self { settings, holds: None, next: Next::AskAt(Timestamp::EPOCH), failures: 0 }
    }

    /// Takes what has happened and says what to do now.
    pub fn step(&mut self, input: Input, now: Timestamp, jitter: Jitter) -> Action {
        match input {
            Input::Tick => {}
            Input::Issued(lifetime) if lifetime.not_before < lifetime.not_after && now <= lifetime.not_after => {
                self.hold(lifetime, jitter);
            }
            // A certificate that has ended already is as good as none.
            Input::Issued(_) | Input::Failed => self.fail(now, jitter),
        }
        self.act(now)
    }

    /// When to call [`Renewal::step`] with a tick.
    pub fn wake_at(&self) -> Timestamp {
        let ends = self.holds.map_or(Timestamp::MAX, |lifetime| just_after(lifetime.not_after));
        match self.next {
            Next::AskAt(moment) => moment.min(ends),
            Next::Answer => ends,
        }
    }

    /// The certificate that is believed.
    pub fn holds(&self) -> Option<Lifetime> {
        self.holds
    }

    fn act(&mut self, now: Timestamp) -> Action {
        if self.holds.is_some_and(|lifetime| now > lifetime.not_after) {
            self.holds = None;
            return Action::Expired;
        }
        match self.next {
            Next::AskAt(moment) if moment <= now => {
                self.next = Next::Answer;
                Action::Renew
            }
            Next::AskAt(_) | Next::Answer => Action::Wait,
        }
    }

    /// A third of the life is left to work in peace, and a twelfth more at most, so that what was issued together is
    /// not renewed together.
    fn hold(&mut self, lifetime: Lifetime, jitter: Jitter) {
        let life = lifetime.not_after.since(lifetime.not_before);
        self.holds = Some(lifetime);
        self.failures = 0;
        self.next = Next::AskAt(lifetime.not_before.plus(life / 3).plus(jitter.of(life / 12)));
    }

    fn fail(&mut self, now: Timestamp, jitter: Jitter) {
        let pause = self.pause(now);
        self.failures = self.failures.saturating_add(1);
        self.next = Next::AskAt(now.plus(pause / 2).plus(jitter.of(pause / 2)));
    }

    /// Doubled with each failure; but as the end comes nearer, never more than an eighth of what is left, down to the
    /// first pause.
    fn pause(&self, now: Timestamp) -> Duration {
        let Settings { first_pause, longest_pause } = self.settings;
        let doubled = first_pause.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        let patient = doubled.min(longest_pause);
        let left = self.holds.map(|lifetime| lifetime.not_after.since(now) / 8);
        left.map_or(patient, |left| patient.min(left.max(first_pause)))
    }
}

/// `notAfter` itself is still inside (RFC 5280, section 4.1.2.5).
fn just_after(moment: Timestamp) -> Timestamp {
    moment.plus(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HALF: Jitter = Jitter::from_random(1 << 31);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn life(from: u64, to: u64) -> Lifetime {
        Lifetime { not_before: at(from), not_after: at(to) }
    }

    /// A renewal that holds a certificate from 0 to 1200 s.
    fn holding(jitter: Jitter) -> Renewal {
        let mut renewal = Renewal::new(Settings::default());
        assert_eq!(renewal.step(Input::Issued(life(0, 1200)), at(0), jitter), Action::Wait);
        renewal
    }

    #[test]
    fn a_story_of_renewals() {
        let mut renewal = holding(Jitter::NONE);
        let just_after_the_end = Timestamp::from_millis(1_200_001);
        //     what happens                     when        what to do       when to look again
        for (input, now, action, wake_at) in [
            (Input::Tick, at(399), Action::Wait, at(400)),
            (Input::Tick, at(400), Action::Renew, just_after_the_end),
            (Input::Tick, at(401), Action::Wait, just_after_the_end),
            (Input::Failed, at(401), Action::Wait, Timestamp::from_millis(401_500)),
            (Input::Tick, at(402), Action::Renew, just_after_the_end),
            (Input::Failed, at(402), Action::Wait, at(403)),
            (Input::Tick, at(403), Action::Renew, just_after_the_end),
            (Input::Issued(life(400, 1600)), at(403), Action::Wait, at(800)),
            (Input::Tick, at(1600), Action::Renew, Timestamp::from_millis(1_600_001)),
            (Input::Tick, Timestamp::from_millis(1_600_001), Action::Expired, Timestamp::MAX),
            (Input::Tick, at(1700), Action::Wait, Timestamp::MAX),
            (Input::Issued(life(1690, 2890)), at(1700), Action::Wait, at(2090)),
        ] {
            assert_eq!(
                (renewal.step(input, now, Jitter::NONE), renewal.wake_at()),
                (action, wake_at),
                "{input:?} {now}"
            );
        }
    }

    #[test]
    fn a_third_of_the_life_passes_and_a_twelfth_at_most() {
        for (jitter, seconds) in [(Jitter::NONE, 400), (HALF, 450)] {
            assert_eq!(holding(jitter).wake_at(), at(seconds));
        }
        assert!(holding(Jitter::from_random(u32::MAX)).wake_at() < at(500));
    }

    #[test]
    fn without_a_certificate_one_is_asked_for_at_once_and_patiently() {
        let mut renewal = Renewal::new(Settings::default());
        let mut now = at(5);
        let mut pauses = vec![];
        for _ in 0..11 {
            assert_eq!(renewal.step(Input::Tick, now, Jitter::NONE), Action::Renew);
            renewal.step(Input::Failed, now, Jitter::NONE);
            pauses.push(renewal.wake_at().since(now).as_millis());
            now = renewal.wake_at();
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000]);
    }

    #[test]
    fn attempts_hurry_as_the_end_comes_near() {
        //     seconds left, pause in milliseconds after many failures, with the least jitter
        for (left, pause) in [(100_000, 150_000), (800, 50_000), (80, 5000), (8, 500), (0, 500)] {
            let mut renewal = Renewal { failures: 40, ..holding(Jitter::NONE) };
            renewal.holds = Some(life(0, 1000 + left));
            renewal.step(Input::Failed, at(1000), Jitter::NONE);
            assert_eq!(renewal.next, Next::AskAt(at(1000).plus(Duration::from_millis(pause))), "{left}");
        }
    }

    #[test]
    fn a_certificate_that_has_ended_is_none() {
        let mut renewal = Renewal::new(Settings::default());
        for lifetime in [life(0, 99), life(200, 200), life(300, 200)] {
            renewal.step(Input::Issued(lifetime), at(100), Jitter::NONE);
            assert_eq!(renewal.holds(), None);
        }
        assert_eq!(renewal.step(Input::Tick, at(200), Jitter::NONE), Action::Renew);
    }

    #[test]
    fn the_end_is_said_before_the_next_attempt() {
        let mut renewal = holding(Jitter::NONE);
        assert_eq!(renewal.step(Input::Tick, at(5000), Jitter::NONE), Action::Expired);
        assert_eq!(renewal.step(Input::Tick, at(5000), Jitter::NONE), Action::Renew);
    }

    proptest! {
        /// Whoever wakes when told hears of the end at once, and never waits for an outcome that nobody was asked for.
        #[test]
        fn the_end_is_never_missed(outcomes: Vec<(bool, u32)>) {
            let mut renewal = holding(Jitter::NONE);
            for (issued, random) in outcomes {
                let ends = renewal.holds().map_or(Timestamp::MAX, |lifetime| lifetime.not_after);
                let now = renewal.wake_at();
                prop_assert!(now == Timestamp::MAX || now <= just_after(ends));
                let jitter = Jitter::from_random(random);
                let input = match renewal.step(Input::Tick, now, jitter) {
                    Action::Renew if issued => Input::Issued(Lifetime { not_before: now, not_after: now.plus(Duration::from_mins(9)) }),
                    Action::Renew => Input::Failed,
                    Action::Expired => {
                        prop_assert!(now > ends);
                        continue;
                    }
                    Action::Wait => return Err(TestCaseError::fail("woken for nothing")),
                };
                renewal.step(input, now, jitter);
            }
        }
    }
}
