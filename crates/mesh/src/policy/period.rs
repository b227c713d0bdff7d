//! Lengths of time as a policy writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, written as one whole number and one unit: `90s`, `5m`, `12h` or `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

impl Period {
    /// The period of so many whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParsePeriodError { text: text.into() };
        let (number, seconds) =
            UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds))).ok_or_else(refuse)?;
        // `u64` would also read a sign, which nobody needs here.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse());
        }
        let number: u64 = number.parse().map_err(|_| refuse())?;
        number.checked_mul(*seconds).map(Self::from_secs).ok_or_else(refuse)
    }
}

impl fmt::Display for Period {
    /// In the largest unit of which it is a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_secs();
        let (unit, seconds) =
            UNITS.iter().find(|(_, seconds)| total > 0 && total.is_multiple_of(*seconds)).unwrap_or(&SECOND);
        write!(f, "{}{unit}", total / seconds)
    }
}

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a length of time such as `90s`, `5m`, `12h` or `7d`")]
pub struct ParsePeriodError {
    text: String,
}

const SECOND: (&str, u64) = ("s", 1);
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), SECOND];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_period_is_one_number_and_one_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("12h", 43_200), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(text.parse(), Ok(Period::from_secs(seconds)));
            assert_eq!(Period::from_secs(seconds).to_string(), text);
        }
        for text in ["", "5", "h", "1h30m", "1.5h", "-1s", "+1s", "5 m", "5M", "1w", "99999999999999999999d"] {
            assert!(text.parse::<Period>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(seconds in 0..u64::from(u32::MAX)) {
            let period = Period::from_secs(seconds);
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = text.parse::<Period>();
        }
    }
}
