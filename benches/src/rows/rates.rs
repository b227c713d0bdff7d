//! Requests at a share of the slowest arm's capacity, so that every arm can answer them and the figures are of the same
//! rate.

use std::collections::BTreeMap;

use bulkhead_measure::work::Pace;

use super::{Bench, Found, interleaved, loaded};
use crate::arm::ArmName;
use crate::plan::{Kind, Load, PlannedRow, Protocol};
use crate::result::{Measure, Outcome, Row};
use crate::verdict::failure;

pub(super) fn run(planned: &PlannedRow, bench: &mut Bench<'_>, row: &mut Row) {
    let Kind::Rate { protocol, percent, warm_up, measured } = planned.kind else { return };
    let Some(slowest) = slowest(protocol, bench.earlier) else {
        return interleaved::run(planned, bench, &mut row.runs, &mut |_| no_rate(protocol));
    };
    let rate = share(slowest.1, percent);
    row.title = format!("{}: {rate} a second; the slowest is {}", row.title, slowest.0);
    let load = Load { work: protocol.work(Pace::PerSecond(rate)), warm_up, measured };
    interleaved::run(planned, bench, &mut row.runs, &mut |lane| loaded(lane, &load));
}

fn no_rate(protocol: Protocol) -> Found {
    let sentence = format!("no arm has a figure in `{}`, so that there is no rate", protocol.capacity_row());
    Found { proof: None, outcome: Outcome::Failed(sentence) }
}

/// The arm with the lowest capacity among those that have one, and its operations a second. An arm that failed so often
/// that the table shows no figure of it has none here either: its few good runs must not set the pace of all.
fn slowest(protocol: Protocol, earlier: &[Row]) -> Option<(ArmName, f64)> {
    let capacity = earlier.iter().find(|row| row.name == protocol.capacity_row())?;
    let mut found: BTreeMap<&ArmName, Vec<f64>> = BTreeMap::new();
    for run in &capacity.runs {
        if let Outcome::Measured(figures) = &run.outcome {
            found.entry(&run.arm).or_default().extend(figures.get(&Measure::OperationsPerSecond));
        }
    }
    let rounds = 1 + capacity.runs.iter().map(|run| run.round as usize).max()?;
    found.retain(|_, values| failure::enough(values.len(), rounds));
    let medians = found.into_iter().filter_map(|(arm, values)| Some((arm.clone(), middle(values)?)));
    medians.min_by(|one, other| one.1.total_cmp(&other.1))
}

/// The median; of an even number of values the lower one of the middle, for a rate must be within reach.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds of the clamp")]
fn share(capacity: f64, percent: u32) -> u32 {
    (capacity * f64::from(percent) / 100.0).clamp(1.0, 1e6) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Run;

    #[test]
    fn a_rate_is_a_share_of_a_capacity() {
        for (capacity, percent, rate) in [(20_000.0, 25, 5000), (999.0, 50, 499), (0.4, 75, 1), (1e9, 75, 1_000_000)] {
            assert_eq!(share(capacity, percent), rate);
        }
    }

    #[test]
    fn an_arm_that_mostly_failed_does_not_set_the_pace() {
        let measured = |arm: &str, round, rate| Run {
            arm: ArmName(arm.to_owned()),
            round,
            place: 0,
            at: 0.0,
            proof: None,
            outcome: Outcome::Measured(BTreeMap::from([(Measure::OperationsPerSecond, rate)])),
        };
        let failed = |round| Run { outcome: Outcome::Failed("gone".to_owned()), ..measured("nginx", round, 0.0) };
        let good = (0..6).map(|round| measured("relay", round, 900.0));
        let mut runs: Vec<_> = good.chain((0..3).map(|round| measured("nginx", round, 100.0))).collect();
        let row = |runs: &[Run]| Row {
            name: Protocol::Http.capacity_row().to_owned(),
            family: "http".to_owned(),
            title: String::new(),
            primary: Measure::OperationsPerSecond,
            paired: true,
            runs: runs.to_vec(),
        };
        let pace = |runs: &[Run]| slowest(Protocol::Http, &[row(runs)]).unwrap();
        runs.extend((3..6).map(failed));
        assert_eq!(pace(&runs), (ArmName("relay".to_owned()), 900.0));
        runs[9] = measured("nginx", 3, 100.0);
        assert_eq!(pace(&runs), (ArmName("nginx".to_owned()), 100.0));
    }

    #[test]
    fn of_two_in_the_middle_the_lower_is_taken() {
        assert_eq!(middle(vec![]), None);
        assert_eq!(middle(vec![3.0, 1.0]), Some(1.0));
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(vec![4.0, 3.0, 1.0, 2.0]), Some(2.0));
    }
}
