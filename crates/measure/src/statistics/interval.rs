//! A median and how sure it is.

use super::bootstrap::bounds;
use super::quantile::{middle, spread};

/// A median, and bounds between which the true one lies with the [`confidence`] that so many runs give: 95 %, or less
/// for few.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The median of the runs.
    pub middle: f64,
    /// The upper bound.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies between the bounds or on one.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Why runs have no interval. Places count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum StatisticsError {
    #[error("{runs} of the {FEWEST_RUNS} runs that a result takes; a single run is never shown as a result")]
    TooFew { runs: usize },
    #[error("pair {pair} has no ratio: ours is {ours}, theirs is {theirs}, and both must be finite and above 0")]
    NoRatio { pair: usize, ours: f64, theirs: f64 },
    #[error("run {run} has no finite value, but {value}")]
    NoValue { run: usize, value: f64 },
}

/// How many times as much ours is as theirs: the median of the ratios ours / theirs of the pairs, with its interval.
///
/// The ratio is taken within each pair, whose runs lay close in time, so that what slows the machine for a while slows
/// both and is divided away. The order of the pairs says nothing; with the same `seed` the same pairs have the same
/// interval.
pub fn paired_ratio(pairs: &[(f64, f64)], seed: u64) -> Result<Interval, StatisticsError> {
    let ratios = pairs.iter().enumerate().map(|(pair, &(ours, theirs))| ratio(pair, ours, theirs));
    interval(ratios.collect::<Result<_, _>>()?, seed)
}

/// The median of runs that are compared with nothing, with its interval. Values may be 0 or less, as a difference of
/// two memories may.
pub fn interval_of_median(values: &[f64], seed: u64) -> Result<Interval, StatisticsError> {
    let values = values.iter().enumerate().map(|(run, &value)| finite(run, value));
    interval(values.collect::<Result<_, _>>()?, seed)
}

/// How likely the true median lies in the interval of so many runs, 0 to 1: 0.95 from six runs on, less for fewer.
///
/// Between the smallest and the largest of n independent runs lies the true median unless all n fell on one side of it,
/// which has a chance of 2 / 2^n: 3 runs say 75 %, 4 say 87.5 %, 5 say 93.75 %. Whoever prints an interval of so few
/// should print this beside it. The 95 % of six and more are what a bootstrap is built for; what it reaches depends on
/// the count, for a bound must be one of the runs or lie between two: 96 % of 15 runs, 91 % of 13, 88 % of 7.
pub fn confidence(runs: usize) -> f64 {
    match runs {
        0 => 0.0,
        1..FEWEST_FOR_BOOTSTRAP => 1.0 - 2.0 / f64::from(1_u32 << runs),
        _ => 0.95,
    }
}

/// One or two runs say nothing of how much runs differ.
pub const FEWEST_RUNS: usize = 3;

/// Below six runs the range from the smallest to the largest holds the true median less often than in 95 of 100 cases,
/// and no other interval within the data holds it more often. A bootstrap draws from these few values alone, so it
/// stays within the range too, and where it is narrower it only pretends to be more precise. So few get the range.
const FEWEST_FOR_BOOTSTRAP: usize = 6;

fn interval(mut values: Vec<f64>, seed: u64) -> Result<Interval, StatisticsError> {
    values.sort_unstable_by(f64::total_cmp);
    let range = spread(&values).filter(|_| values.len() >= FEWEST_RUNS);
    let range = range.ok_or(StatisticsError::TooFew { runs: values.len() })?;
    let (low, high) = if values.len() < FEWEST_FOR_BOOTSTRAP { range } else { bounds(&values, seed) };
    Ok(Interval { low, middle: middle(&values), high })
}

fn ratio(pair: usize, ours: f64, theirs: f64) -> Result<f64, StatisticsError> {
    let ratio = ours / theirs;
    let usable = [ours, theirs, ratio].iter().all(|value| value.is_finite() && *value > 0.0);
    usable.then_some(ratio).ok_or(StatisticsError::NoRatio { pair, ours, theirs })
}

fn finite(run: usize, value: f64) -> Result<f64, StatisticsError> {
    value.is_finite().then_some(value).ok_or(StatisticsError::NoValue { run, value })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
