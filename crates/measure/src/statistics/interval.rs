//! A median and how sure it is.

use super::order;
use super::quantile::middle;

/// A median, and bounds between which the true one lies with the [`confidence`] that so many runs give: at least 95 %,
/// or less for fewer than six. Both bounds are runs, or ratios of pairs, that were measured.
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
/// both and is divided away. The order of the pairs says nothing.
pub fn paired_ratio(pairs: &[(f64, f64)]) -> Result<Interval, StatisticsError> {
    let ratios = pairs.iter().enumerate().map(|(pair, &(ours, theirs))| ratio(pair, ours, theirs));
    interval(ratios.collect::<Result<_, _>>()?)
}

/// The median of runs that are compared with nothing, with its interval. Values may be 0 or less, as a difference of
/// two memories may.
pub fn interval_of_median(values: &[f64]) -> Result<Interval, StatisticsError> {
    let values = values.iter().enumerate().map(|(run, &value)| finite(run, value));
    interval(values.collect::<Result<_, _>>()?)
}

/// How likely the true median lies in the interval of so many runs, 0 to 1. It is exact, and so never just 95 %: 75 % of
/// 3 runs, 87.5 % of 4, 93.75 % of 5, 96.9 % of 6, 96.5 % of 15. Whoever prints an interval of fewer than six should
/// print this beside it.
pub fn confidence(runs: usize) -> f64 {
    order::bounds(runs).confidence
}

/// One or two runs say nothing of how much runs differ.
pub const FEWEST_RUNS: usize = 3;

fn interval(mut values: Vec<f64>) -> Result<Interval, StatisticsError> {
    if values.len() < FEWEST_RUNS {
        return Err(StatisticsError::TooFew { runs: values.len() });
    }
    values.sort_unstable_by(f64::total_cmp);
    let place = order::bounds(values.len()).place;
    Ok(Interval { low: values[place], middle: middle(&values), high: values[values.len() - 1 - place] })
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
