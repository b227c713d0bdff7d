//! Rows in which every arm runs once in each round, in an order in which none has the better moments.

use bulkhead_measure::schedule;

use super::{Bench, Found, Lane};
use crate::arm::ArmName;
use crate::plan::PlannedRow;
use crate::result::Run;

/// Runs every arm in every round; whoever fails is tried again in the next one.
pub(super) fn run(
    planned: &PlannedRow,
    bench: &mut Bench<'_>,
    runs: &mut Vec<Run>,
    once: &mut dyn FnMut(&mut dyn Lane) -> Found,
) {
    for turn in turns(planned) {
        if bench.stop.is_wanted() {
            return;
        }
        bench.progress.run(&turn.words(planned.rounds));
        let lane = bench.cast.lane(turn.arm);
        // A setting is built when its first run comes: that takes its time, and the run begins afterwards.
        let at = bench.began.elapsed().as_secs_f64();
        let mut once = |lane: &mut dyn Lane| {
            if planned.begins_anew(turn.round) {
                let _ = lane.fresh(); // A path that does not come up is tried once more by the run, which says why not.
            }
            once(lane)
        };
        let found = lane.map_or_else(|error| Found::failed(&error), &mut once);
        runs.push(turn.run(at, found));
        bench.progress.done(planned.kind.run_seconds());
    }
}

/// Whose turn it is.
pub(super) struct Turn<'a> {
    pub(super) arm: &'a ArmName,
    pub(super) round: u32,
    pub(super) place: u32,
}

/// All turns of a row, in the order in which they come.
pub(super) fn turns(planned: &PlannedRow) -> impl Iterator<Item = Turn<'_>> {
    (0..planned.rounds).flat_map(|round| turns_of(planned, round))
}

/// The turns of one round.
pub(super) fn turns_of(planned: &PlannedRow, round: u32) -> impl Iterator<Item = Turn<'_>> {
    let order = schedule::round_order(planned.arms.len(), round);
    (0..).zip(order).map(move |(place, index)| Turn { arm: &planned.arms[index], round, place })
}

impl Turn<'_> {
    pub(super) fn words(&self, rounds: u32) -> String {
        format!("{} {} of {rounds}", self.arm, self.round + 1)
    }

    pub(super) fn run(&self, at: f64, found: Found) -> Run {
        let (arm, round, place) = (self.arm.clone(), self.round, self.place);
        Run { arm, round, place, at, proof: found.proof, outcome: found.outcome }
    }
}
