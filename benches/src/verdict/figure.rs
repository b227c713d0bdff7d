//! What an arm's runs say of one measure: median, spread, and the ratio to Bulkhead.

use std::collections::BTreeMap;

use bulkhead_measure::statistics::{self, Difference, Interval};

use crate::result::{Measure, Outcome, Run};
use crate::verdict::number;

/// One measure of one arm in one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Half of the runs found at most this.
    pub median: f64,
    /// The least that a run found.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// How many runs found something.
    pub runs: usize,
    /// How it compares; none for Bulkhead itself, and where there are too few pairs or a figure is not above 0.
    pub against: Option<Comparison>,
}

/// A ratio over pairs: Bulkhead's figure divided by the other arm's; of a setting, its figure divided by that of
/// Bulkhead without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The ratio, and between what it lies with at least 95 % confidence; with 3 to 5 pairs, between what all pairs lie.
    pub ratio: Interval,
    /// Whether it differs from 1.
    pub difference: Difference,
    /// Of how many pairs.
    pub pairs: usize,
}

impl Comparison {
    /// How sure the interval is, where that is less than 95 %: `75 %`, rounded down.
    pub fn unsure(&self) -> Option<String> {
        unsure(self.pairs)
    }
}

/// How sure an interval of so many pairs is, where that is less than 95 %: `75 %`, rounded down.
pub fn unsure(pairs: usize) -> Option<String> {
    let confidence = statistics::confidence(pairs);
    (confidence < 0.95).then(|| format!("{} %", number::with_decimals((confidence * 100.0).floor(), 0)))
}

/// Which of two runs a ratio divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Bulkhead's figure divided by the arm's.
    OursByTheirs,
    /// The setting's figure divided by that of Bulkhead without it.
    SettingByOurs,
}

/// A figure of these values, if there are any.
pub fn of(values: &[f64], against: Option<Comparison>) -> Option<Figure> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some(Figure { median: statistics::median(values)?, least, most, runs: values.len(), against })
}

/// Compares the rounds in which both were measured.
pub fn compare(ours: &BTreeMap<u32, f64>, theirs: &BTreeMap<u32, f64>, direction: Direction) -> Option<Comparison> {
    let both = ours.iter().filter_map(|(round, ours)| Some((*ours, *theirs.get(round)?)));
    let pairs: Vec<_> = match direction {
        Direction::OursByTheirs => both.collect(),
        Direction::SettingByOurs => both.map(|(ours, theirs)| (theirs, ours)).collect(),
    };
    let ratio = statistics::paired_ratio(&pairs).ok()?;
    Some(Comparison { difference: statistics::compare(&ratio), ratio, pairs: pairs.len() })
}

/// What each round found of `measure`. A round runs every arm once.
pub fn by_round(runs: &[&Run], measure: Measure) -> BTreeMap<u32, f64> {
    runs.iter().filter_map(|run| Some((run.round, value(run, measure)?))).collect()
}

/// What a run found of `measure`.
pub fn value(run: &Run, measure: Measure) -> Option<f64> {
    match &run.outcome {
        Outcome::Measured(values) => values.get(&measure).copied(),
        Outcome::Failed(_) => None,
    }
}
