//! Takes the profiles that are planned; one that fails is a warning, for no figure hangs on it.

use anyhow::Result;

use super::keeper::Keeper;
use crate::arm::ArmName;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::rows::Cast;
use crate::stop::Stop;

/// One after the other, until somebody wants an end.
pub(super) fn take_all(
    plan: &Plan,
    cast: &mut dyn Cast,
    keeper: &mut Keeper,
    progress: &mut Progress,
    stop: &Stop,
) -> Result<()> {
    let bulkhead = ArmName::bulkhead();
    for planned in &plan.profiles {
        if stop.is_wanted() {
            break;
        }
        progress.row("profile", &planned.row);
        match cast.lane(&bulkhead).and_then(|lane| lane.profile(&planned.row, &planned.load)) {
            Ok(profile) => keeper.keep_profile(profile)?,
            Err(error) => keeper.warn(format!("there is no profile of {}: {error:#}", planned.row)),
        }
        progress.done(planned.seconds());
    }
    Ok(())
}
