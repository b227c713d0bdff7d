//! Under which works Bulkhead's proxies are looked at: one of each kind whose cost is theirs.

use std::time::Duration;

use bulkhead_measure::Work;
use bulkhead_measure::work::Direction;

use super::{Family, Length, Load, PlannedArm, PlannedProfile};

/// None where they were not asked for, or where Bulkhead does not take part.
pub(super) fn of(length: Length, arms: &[PlannedArm], families: &[Family]) -> Vec<PlannedProfile> {
    if !families.contains(&Family::Profile) || !arms.iter().any(|arm| arm.name.is_bulkhead()) {
        return Vec::new();
    }
    let measured = match length {
        Length::Full => Duration::from_secs(5),
        Length::Quick => Duration::from_secs(1),
    };
    let works = [
        ("bulk-down-1", Work::Bulk { direction: Direction::Down, connections: 1 }),
        ("ping-pong-32", Work::PingPong { connections: 32 }),
        ("connect-16", Work::Connect { parallel: 16 }),
    ];
    works
        .map(|(row, work)| PlannedProfile { row: row.to_owned(), load: Load { work, warm_up: WARM_UP, measured } })
        .into()
}

const WARM_UP: Duration = Duration::from_millis(300);
