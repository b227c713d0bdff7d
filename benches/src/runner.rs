//! Runs a plan: every arm in every round, and keeps what was found.

pub mod bench;
pub mod keeper;

mod generator;
mod ping;
mod profiles;
mod stage;
mod standing;
mod words;

use std::time::Instant;

use anyhow::Result;

use crate::plan::Plan;
use crate::progress::Progress;
use crate::rows::{self, Bench, Cast};
use crate::stop::Stop;
use keeper::Keeper;

/// Measures every row of the plan; each is on disk before the next begins. A wish for an end lets the current run end.
pub fn measure_all(
    plan: &Plan,
    cast: &mut dyn Cast,
    keeper: &mut Keeper,
    progress: &mut Progress,
    stop: &Stop,
) -> Result<()> {
    for (index, planned) in plan.rows.iter().enumerate() {
        if stop.is_wanted() {
            break;
        }
        progress.row(&planned.name, &format!("{} rounds of {} arms", planned.rounds, planned.arms.len()));
        let began: Instant = keeper.began();
        let mut bench = Bench { cast, progress, stop, began, earlier: &keeper.report().rows };
        let row = rows::measure(planned, &mut bench);
        keeper.describe(planned.arms.iter().filter_map(|arm| Some((arm.clone(), cast.about(arm)?))));
        keeper.keep(row)?;
        progress.done(plan.building_seconds(index));
        dismiss(plan, index, cast);
    }
    profiles::take_all(plan, cast, keeper, progress, stop)?;
    if stop.is_wanted() {
        let begun = keeper.report().rows.len();
        keeper.warn(format!(
            "ended by a signal when {begun} of {} rows were begun; the last may lack runs",
            plan.rows.len()
        ));
    }
    Ok(())
}

/// Takes down the settings of Bulkhead that no later row needs: they would take memory and wake up now and then.
fn dismiss(plan: &Plan, index: usize, cast: &mut dyn Cast) {
    let settings = plan.rows[index].arms.iter().filter(|arm| arm.is_setting());
    for arm in settings.filter(|arm| !plan.needs_from(index + 1, arm)) {
        cast.dismiss(arm);
    }
}

#[cfg(test)]
mod tests;
