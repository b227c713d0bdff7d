//! Requests at a share of the slowest arm's capacity, so that every arm can answer them and the figures are of the same
//! rate.

use std::collections::BTreeMap;

use bulkhead_measure::work::Pace;

use super::{Bench, Found, interleaved, loaded};
use crate::arm::ArmName;
use crate::plan::{Kind, Load, PlannedRow, Protocol};
use crate::result::{Measure, Outcome, Row};

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

/// The arm with the lowest capacity among those that have one, and its operations a second.
fn slowest(protocol: Protocol, earlier: &[Row]) -> Option<(ArmName, f64)> {
    let capacity = earlier.iter().find(|row| row.name == protocol.capacity_row())?;
    let mut found: BTreeMap<&ArmName, Vec<f64>> = BTreeMap::new();
    for run in &capacity.runs {
        if let Outcome::Measured(figures) = &run.outcome {
            found.entry(&run.arm).or_default().extend(figures.get(&Measure::OperationsPerSecond));
        }
    }
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

    #[test]
    fn a_rate_is_a_share_of_a_capacity() {
        for (capacity, percent, rate) in [(20_000.0, 25, 5000), (999.0, 50, 499), (0.4, 75, 1), (1e9, 75, 1_000_000)] {
            assert_eq!(share(capacity, percent), rate);
        }
    }

    #[test]
    fn of_two_in_the_middle_the_lower_is_taken() {
        assert_eq!(middle(vec![]), None);
        assert_eq!(middle(vec![3.0, 1.0]), Some(1.0));
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(vec![4.0, 3.0, 1.0, 2.0]), Some(2.0));
    }
}
