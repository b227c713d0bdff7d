//! What holds of the interval of any pairs.

use proptest::prelude::*;

use super::*;
use crate::statistics::spread;

/// So many pairs of figures that a run could show.
fn pairs(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((1e-3..1e3_f64, 1e-3..1e3_f64), count)
}

/// Pairs of an odd count, whose median is one of their ratios.
fn odd_pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (1..12_usize).prop_flat_map(|half| pairs(2 * half + 1))
}

/// Equal but for rounding.
fn same(one: Interval, other: Interval) -> bool {
    let close = |one: f64, other: f64| (one - other).abs() <= 1e-9 * one.abs();
    close(one.low, other.low) && close(one.middle, other.middle) && close(one.high, other.high)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_middle_lies_between_the_bounds(pairs in pairs(3..25)) {
        let interval = paired_ratio(&pairs).unwrap();
        prop_assert!(interval.contains(interval.middle), "{interval:?}");
    }

    #[test]
    fn ours_times_a_factor_is_the_interval_times_it(pairs in pairs(3..25), factor in 1e-3..1e3_f64) {
        let scaled: Vec<(f64, f64)> = pairs.iter().map(|&(ours, theirs)| (ours * factor, theirs)).collect();
        let Interval { low, middle, high } = paired_ratio(&pairs).unwrap();
        let expected = Interval { low: low * factor, middle: middle * factor, high: high * factor };
        prop_assert!(same(paired_ratio(&scaled).unwrap(), expected));
    }

    #[test]
    fn exchanged_sides_are_the_reciprocal_interval(pairs in odd_pairs()) {
        let exchanged: Vec<(f64, f64)> = pairs.iter().map(|&(ours, theirs)| (theirs, ours)).collect();
        let Interval { low, middle, high } = paired_ratio(&pairs).unwrap();
        let expected = Interval { low: 1.0 / high, middle: 1.0 / middle, high: 1.0 / low };
        prop_assert!(same(paired_ratio(&exchanged).unwrap(), expected));
    }

    #[test]
    fn exchanged_sides_exchange_the_bounds_of_any_count(pairs in pairs(3..25)) {
        let exchanged: Vec<(f64, f64)> = pairs.iter().map(|&(ours, theirs)| (theirs, ours)).collect();
        let (one, other) = (paired_ratio(&pairs).unwrap(), paired_ratio(&exchanged).unwrap());
        let middle = one.middle;
        let expected = Interval { low: 1.0 / one.high, middle, high: 1.0 / one.low };
        let other = Interval { middle, ..other };
        prop_assert!(same(other, expected));
    }

    #[test]
    fn the_order_of_the_pairs_says_nothing(pairs in pairs(3..25), by in 0..25_usize) {
        let mut turned = pairs.clone();
        turned.rotate_left(by % pairs.len());
        turned.swap(0, 1);
        prop_assert_eq!(paired_ratio(&turned), paired_ratio(&pairs));
    }

    #[test]
    fn a_constant_ratio_is_certain(value in 1e-3..1e3_f64, count in 3..25_usize) {
        let certain = Interval { low: value, middle: value, high: value };
        prop_assert_eq!(paired_ratio(&vec![(value, 1.0); count]), Ok(certain));
        prop_assert_eq!(interval_of_median(&vec![value; count]), Ok(certain));
    }

    #[test]
    fn more_than_the_range_is_never_claimed(pairs in pairs(3..25)) {
        let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
        let (interval, (smallest, largest)) = (paired_ratio(&pairs).unwrap(), spread(&ratios).unwrap());
        prop_assert!(smallest <= interval.low && interval.high <= largest);
    }

    #[test]
    fn no_numbers_make_a_panic(values in prop::collection::vec(any::<(f64, f64)>(), 0..12)) {
        let _ = paired_ratio(&values);
        let _ = interval_of_median(&values.iter().map(|pair| pair.0).collect::<Vec<f64>>());
    }
}
