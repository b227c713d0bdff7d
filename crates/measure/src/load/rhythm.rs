//! When requests should be sent: at constant distances, whatever becomes of them. Pure.

use std::num::NonZeroU32;
use std::time::Duration;

/// Constant distances from a beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rhythm {
    distance: Duration,
}

impl Rhythm {
    /// So many a second, 1 to 10^9. The distance is rounded down to a nanosecond, so that the system's timer can keep it
    /// too; that is at most 0.005 % more at 50,000 a second.
    pub(super) fn of(rate: NonZeroU32) -> Self {
        let nanos = 1_000_000_000 / u64::from(rate.get());
        Self { distance: Duration::from_nanos(nanos.max(1)) }
    }

    /// From one request to the next.
    pub(super) fn distance(self) -> Duration {
        self.distance
    }

    /// When request `index` should be sent, counted from the beginning; the first, 0, a distance after it.
    pub(super) fn intended(self, index: u64) -> Duration {
        let nanos = u128::from(index).saturating_add(1).saturating_mul(self.distance.as_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many should have been sent when this much time has gone by.
    pub(super) fn due(self, elapsed: Duration) -> u64 {
        u64::try_from(elapsed.as_nanos() / self.distance.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rhythm(rate: u32) -> Rhythm {
        Rhythm::of(NonZeroU32::new(rate).expect("not zero"))
    }

    #[test]
    fn requests_are_due_at_constant_distances() {
        for (rate, micros, due) in [
            (1, 999_999, 0),
            (1, 1_000_000, 1),
            (1000, 0, 0),
            (1000, 999, 0),
            (1000, 1000, 1),
            (1000, 2_500_000, 2500),
            (50_000, 100, 5),
            (50_000, 2_000_000, 100_000),
        ] {
            assert_eq!(rhythm(rate).due(Duration::from_micros(micros)), due, "{rate} a second after {micros} us");
        }
        assert_eq!(rhythm(1000).intended(0), Duration::from_millis(1));
        assert_eq!(rhythm(1000).intended(999), Duration::from_secs(1));
        assert_eq!(rhythm(u32::MAX).distance(), Duration::from_nanos(1));
    }

    proptest! {
        #[test]
        fn a_request_is_due_from_its_intended_moment_on_and_not_before(rate in 1_u32.., index in 0_u64..1 << 32) {
            let rhythm = rhythm(rate);
            let intended = rhythm.intended(index);
            prop_assert_eq!(rhythm.due(intended), index + 1);
            prop_assert_eq!(rhythm.due(intended.saturating_sub(Duration::from_nanos(1))), index);
        }
    }
}
