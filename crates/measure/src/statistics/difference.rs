//! What an interval of ratios says in a word.

use super::Interval;

/// Whether ours differs from theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// The runs do not show one: "as much" (a ratio of 1) lies within the interval, its bounds included.
    None,
    /// Ours is less.
    Less {
        /// By so much of theirs, above 0 and below 1: 0.25 is a quarter less.
        share: f64,
    },
    /// Ours is more.
    More {
        /// By so much of theirs, above 0: 0.25 is a quarter more, 1 is twice as much.
        share: f64,
    },
}

/// What the interval of a ratio ours / theirs says. Whether less is better, it does not know.
pub fn compare(ratio: &Interval) -> Difference {
    match ratio.middle {
        _ if ratio.contains(1.0) => Difference::None,
        middle if middle < 1.0 => Difference::Less { share: 1.0 - middle },
        middle => Difference::More { share: middle - 1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_within_its_interval_is_none() {
        let check = |low, middle, high, expected| {
            assert_eq!(compare(&Interval { low, middle, high }), expected, "{low} {middle} {high}");
        };
        check(0.9, 0.95, 1.1, Difference::None);
        check(0.5, 0.75, 1.0, Difference::None);
        check(1.0, 1.5, 2.0, Difference::None);
        check(1.0, 1.0, 1.0, Difference::None);
        check(0.5, 0.75, 0.99, Difference::Less { share: 0.25 });
        check(1.01, 1.25, 2.0, Difference::More { share: 0.25 });
        check(2.5, 3.0, 3.5, Difference::More { share: 2.0 });
    }
}
