//! A throw of the dice that somebody else made, to spread in time what many would otherwise do at once.

use std::time::Duration;

/// A fraction of one, from 0 up to but not including 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(u32);

impl Jitter {
    /// No delay at all.
    pub const NONE: Self = Self(0);

    /// The fraction that 32 random bits are of 2^32.
    pub const fn from_random(random: u32) -> Self {
        Self(random)
    }

    /// This fraction of `whole`, to the nanosecond below.
    #[must_use]
    pub fn of(self, whole: Duration) -> Duration {
        let nanos =
            (whole.as_nanos() >> 32) * u128::from(self.0) + (((whole.as_nanos() & LOW) * u128::from(self.0)) >> 32);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The lower 32 bits.
const LOW: u128 = 0xffff_ffff;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_fraction_is_less_than_the_whole(random: u32, seconds in 1..u64::from(u32::MAX)) {
            let whole = Duration::from_secs(seconds);
            prop_assert!(Jitter::from_random(random).of(whole) < whole);
        }
    }

    #[test]
    fn half_of_an_hour_is_thirty_minutes() {
        assert_eq!(Jitter::from_random(1 << 31).of(Duration::from_hours(1)), Duration::from_mins(30));
        assert_eq!(Jitter::NONE.of(Duration::MAX), Duration::ZERO);
    }
}
