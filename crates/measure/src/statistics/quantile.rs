//! Order among numbers: medians, quantiles, the smallest and the largest.

/// The value in the middle, or the mean of the two in the middle. None of nothing, and where a value is not finite.
pub fn median(values: &[f64]) -> Option<f64> {
    sorted(values).map(|sorted| middle(&sorted))
}

/// The value below which the share `at` (0 to 1) of the values lies, interpolated between two neighbours (the usual
/// way, type 7 of Hyndman and Fan): 0 is the smallest, 0.5 the median, 1 the largest. None of nothing, where a value is
/// not finite, and for a share that is none.
pub fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let sorted = sorted(values)?;
    (0.0..=1.0).contains(&at).then(|| interpolated(&sorted, at))
}

/// The smallest and the largest. None of nothing, and where a value is not finite.
pub fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values)?;
    Some((*sorted.first()?, *sorted.last()?))
}

/// The middle of ascending values.
pub(super) fn middle(ascending: &[f64]) -> f64 {
    interpolated(ascending, 0.5)
}

/// The point that lies the share `part` (0 to 1) of the way from `low` to `high`, never outside by rounding.
pub(super) fn between(low: f64, high: f64, part: f64) -> f64 {
    if part > 0.0 { (low + (high - low) * part).clamp(low, high) } else { low }
}

fn interpolated(ascending: &[f64], at: f64) -> f64 {
    let (place, part) = place(ascending.len(), at);
    let neighbour = (place + 1).min(ascending.len() - 1);
    between(ascending[place], ascending[neighbour], part)
}

/// Where among `count` values the share `at` lies: the place of the value below it, and how far it is to the next.
#[allow(clippy::cast_precision_loss, reason = "a list of 2^52 values does not fit into memory")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the last place")]
fn place(count: usize, at: f64) -> (usize, f64) {
    let exact = at * (count - 1) as f64;
    (exact as usize, exact.fract())
}

/// The values in ascending order, unless there is none or one is not finite.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (!sorted.is_empty() && sorted.iter().all(|value| value.is_finite())).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        let check = |values: &[f64], expected| assert_eq!(median(values), expected, "{values:?}");
        check(&[5.0], Some(5.0));
        check(&[3.0, 1.0], Some(2.0));
        check(&[9.0, 1.0, 2.0], Some(2.0));
        check(&[4.0, 3.0, 1.0, 2.0], Some(2.5));
        check(&[f64::MIN, f64::MAX, 7.0], Some(7.0));
        check(&[f64::INFINITY, 7.0, 8.0], None);
        check(&[], None);
        check(&[1.0, f64::NAN], None);
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let check = |values: &[f64], at, expected| assert_eq!(quantile(values, at), expected, "{values:?} at {at}");
        check(&[30.0, 10.0, 20.0, 40.0, 50.0], 0.0, Some(10.0));
        check(&[30.0, 10.0, 20.0, 40.0, 50.0], 0.25, Some(20.0));
        check(&[30.0, 10.0, 20.0, 40.0, 50.0], 0.875, Some(45.0));
        check(&[30.0, 10.0, 20.0, 40.0, 50.0], 1.0, Some(50.0));
        check(&[7.0], 0.3, Some(7.0));
        check(&[7.0], 1.1, None);
        check(&[7.0], -0.1, None);
        check(&[7.0], f64::NAN, None);
        check(&[], 0.5, None);
    }

    #[test]
    fn a_spread_is_from_the_smallest_to_the_largest() {
        let check = |values: &[f64], expected| assert_eq!(spread(values), expected, "{values:?}");
        check(&[3.0, -1.0, 2.0], Some((-1.0, 3.0)));
        check(&[3.0], Some((3.0, 3.0)));
        check(&[], None);
        check(&[f64::NAN, 3.0], None);
    }

    proptest! {
        #[test]
        fn a_larger_share_is_never_a_smaller_value(
            values in prop::collection::vec(-1e9..1e9_f64, 1..20), one in 0.0..=1.0_f64, other in 0.0..=1.0_f64
        ) {
            let (low, high) = (one.min(other), one.max(other));
            prop_assert!(quantile(&values, low) <= quantile(&values, high));
        }

        #[test]
        fn no_numbers_make_a_panic(values in prop::collection::vec(any::<f64>(), 0..20), at: f64) {
            let _ = (quantile(&values, at), median(&values), spread(&values));
        }
    }
}
