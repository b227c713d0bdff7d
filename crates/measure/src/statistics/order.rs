//! Between which of its runs a median lies, and how surely: the interval of the sign test.
//!
//! Each run of a kind lies below the true median as often as above it, like a coin that is tossed. So how many of n runs
//! lie below it has a known distribution, whatever the runs are, and the chance that the true median lies between the
//! k-th run from either end is exact: 1 - 2 P(at most k - 1 of n tosses are heads).
//!
//! Why no bootstrap: the interval that a bootstrap of a median finds is an approximation of this one, by dice. Of few
//! runs it holds the true median less often than it says (88 % of the time with 7, 91 % with 13, where it says 95 %),
//! and where a bound lies close to the edge of a run, the seed chooses the run. Here nothing is approximated or thrown.

/// Between which runs the median lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    /// The place of the lower bound among ascending runs, from 0; the upper one has the same place from the end.
    pub(super) place: usize,
    /// How likely the true median lies between them, 0 to 1.
    pub(super) confidence: f64,
}

/// The narrowest bounds of so many runs that hold the true median with at least [`SURE`]; the smallest and the largest
/// run where not even they do, which is so below six.
pub(super) fn bounds(runs: usize) -> Bounds {
    let sums = chances(runs).scan(0.0, |sum, chance| {
        *sum += chance;
        Some(1.0 - 2.0 * *sum)
    });
    let mut all = sums.take(runs.div_ceil(2)).enumerate().map(|(place, confidence)| Bounds { place, confidence });
    let widest = all.next().unwrap_or(Bounds { place: 0, confidence: 0.0 });
    all.take_while(|bounds| bounds.confidence >= SURE).last().unwrap_or(widest)
}

/// How likely the true median shall lie in its interval.
const SURE: f64 = 0.95;

/// The chances that 0, 1, 2 and so on of so many tosses are heads: n over k, divided by 2 to the power of n.
///
/// Exact for the runs of a bench, since whole numbers and halves are. The halvings are done as the product grows, for
/// 2 to the power of 1,100 is no `f64`.
fn chances(tosses: usize) -> impl Iterator<Item = f64> {
    let mut product = 1.0;
    let mut halvings = i32::try_from(tosses).unwrap_or(i32::MAX);
    (0..=tosses).map(move |heads| {
        if heads > 0 {
            product = product * float(tosses - heads + 1) / float(heads);
        }
        while product > LARGE && halvings > 0 {
            (product, halvings) = (product / 2.0, halvings - 1);
        }
        product * 0.5_f64.powi(halvings)
    })
}

#[allow(clippy::cast_precision_loss, reason = "a list of 2^52 values does not fit into memory")]
fn float(count: usize) -> f64 {
    count as f64
}

/// Below it a whole number times another one of a few digits is exact.
const LARGE: f64 = 1e12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_binomial_table() {
        let check = |runs, from_the_end: usize, percent: f64| {
            let found = bounds(runs);
            assert_eq!(found.place + 1, from_the_end, "of {runs}");
            assert!((found.confidence * 100.0 - percent).abs() < 0.005, "{} of {runs}", found.confidence);
        };
        check(1, 1, 0.0);
        check(2, 1, 50.0);
        check(3, 1, 75.0);
        check(4, 1, 87.5);
        check(5, 1, 93.75);
        check(6, 1, 96.88);
        check(7, 1, 98.44);
        check(8, 1, 99.22);
        check(9, 2, 96.09);
        check(10, 2, 97.85);
        check(11, 2, 98.83);
        check(12, 3, 96.14);
        check(13, 3, 97.75);
        check(14, 3, 98.71);
        check(15, 4, 96.48);
        check(16, 4, 97.87);
        check(17, 5, 95.10);
        check(20, 6, 95.86);
        check(25, 8, 95.67);
        check(30, 10, 95.72);
    }

    #[test]
    fn no_narrower_bounds_would_be_sure_enough() {
        for runs in 6..60 {
            let found = bounds(runs);
            let narrower = 1.0 - 2.0 * chances(runs).take(found.place + 2).sum::<f64>();
            assert!(found.confidence >= SURE && narrower < SURE, "{found:?}, {narrower} of {runs}");
        }
    }

    #[test]
    fn few_runs_are_exact_to_the_last_digit() {
        let exact = [0.75, 0.875, 0.9375, 0.96875].map(f64::to_bits);
        assert_eq!([3, 4, 5, 6].map(|runs| bounds(runs).confidence.to_bits()), exact);
    }

    #[test]
    fn more_runs_than_an_f64_has_halves_have_bounds_about_their_middle() {
        // 1.96 standard deviations of 5,000 tosses are 69.3 of them: half of the square root of 5,000 is one.
        let found = bounds(5_000);
        assert!((2_429..2_432).contains(&found.place) && found.confidence < 0.952, "{found:?}");
    }

    #[test]
    fn of_nothing_nothing_is_sure() {
        assert_eq!(bounds(0), Bounds { place: 0, confidence: 0.0 });
    }
}
