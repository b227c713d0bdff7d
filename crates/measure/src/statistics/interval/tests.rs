//! Intervals by cases.

use super::*;

#[test]
fn three_to_five_pairs_get_the_range_of_their_ratios() {
    let check = |pairs: &[(f64, f64)], low, middle, high| {
        assert_eq!(paired_ratio(pairs), Ok(Interval { low, middle, high }), "{pairs:?}");
    };
    check(&[(2.0, 1.0), (1.0, 1.0), (3.0, 2.0)], 1.0, 1.5, 2.0);
    check(&[(2.0, 1.0), (1.0, 1.0), (3.0, 2.0), (1.0, 4.0)], 0.25, 1.25, 2.0);
    check(&[(2.0, 1.0), (1.0, 1.0), (3.0, 2.0), (1.0, 4.0), (9.0, 1.0)], 0.25, 1.5, 9.0);
}

#[test]
fn from_six_pairs_on_the_bounds_are_ratios_as_far_from_the_ends_as_95_percent_allow() {
    let check = |count: u32, low, middle, high| {
        let pairs: Vec<(f64, f64)> = (1..=count).rev().map(|ours| (f64::from(ours), 1.0)).collect();
        assert_eq!(paired_ratio(&pairs), Ok(Interval { low, middle, high }), "of {count}");
    };
    check(6, 1.0, 3.5, 6.0);
    check(8, 1.0, 4.5, 8.0);
    check(9, 2.0, 5.0, 8.0);
    check(12, 3.0, 6.5, 10.0);
    check(15, 4.0, 8.0, 12.0);
}

#[test]
fn one_wild_run_does_not_move_the_interval_of_fifteen() {
    let calm: Vec<(f64, f64)> = (0..15).map(|run| (100.0 + f64::from(run), 100.0)).collect();
    let mut wild = calm.clone();
    wild[14].0 = 100_000.0;
    assert_eq!(paired_ratio(&calm), paired_ratio(&wild));
}

#[test]
fn a_drift_that_both_share_is_divided_away() {
    let drifting: Vec<(f64, f64)> = (1..=15).map(|run| (f64::from(run) * 3.0, f64::from(run) * 2.0)).collect();
    assert_eq!(paired_ratio(&drifting), Ok(Interval { low: 1.5, middle: 1.5, high: 1.5 }));
}

#[test]
fn one_or_two_runs_are_never_a_result() {
    for runs in 0..3 {
        assert_eq!(paired_ratio(&vec![(1.0, 1.0); runs]), Err(StatisticsError::TooFew { runs }));
        assert_eq!(interval_of_median(&vec![1.0; runs]), Err(StatisticsError::TooFew { runs }));
    }
    let words = "1 of the 3 runs that a result takes; a single run is never shown as a result";
    assert_eq!(StatisticsError::TooFew { runs: 1 }.to_string(), words);
}

#[test]
fn a_pair_without_a_ratio_is_named() {
    let check = |ours: f64, theirs: f64| {
        let error = paired_ratio(&[(1.0, 1.0), (1.0, 1.0), (ours, theirs), (0.0, 0.0)]).unwrap_err();
        assert!(error.to_string().starts_with("pair 2 has no ratio"), "{error}");
    };
    check(0.0, 1.0);
    check(1.0, 0.0);
    check(-1.0, 1.0);
    check(-1.0, -1.0);
    check(f64::NAN, 1.0);
    check(1.0, f64::INFINITY);
    check(f64::MAX, f64::MIN_POSITIVE);
}

#[test]
fn values_of_one_arm_may_be_nothing_or_less_but_must_be_numbers() {
    let interval = interval_of_median(&[0.0, -1.0, 3.0]);
    assert_eq!(interval, Ok(Interval { low: -1.0, middle: 0.0, high: 3.0 }));
    let error = interval_of_median(&[0.0, f64::INFINITY, 3.0]).unwrap_err();
    assert_eq!(error.to_string(), "run 1 has no finite value, but inf");
}

#[test]
fn runs_say_how_sure_their_interval_is() {
    let check = |runs, expected: f64| assert!((confidence(runs) - expected).abs() < 1e-12, "of {runs}");
    check(0, 0.0);
    check(1, 0.0);
    check(2, 0.5);
    check(3, 0.75);
    check(4, 0.875);
    check(5, 0.9375);
    check(6, 0.968_75);
    check(15, 1.0 - 2.0 * 576.0 / 32_768.0);
}
