//! How long a plan takes, before it has begun: for `--list`, and for the progress bar's first guess.

use std::time::Duration;

use super::{Kind, MemoryCourse, Plan, PlannedProfile, PlannedRow};
use crate::arm::ArmName;

impl Plan {
    /// The whole bench, in seconds.
    pub fn seconds(&self) -> f64 {
        self.set_up_seconds()
            + (0..self.rows.len()).map(|index| self.row_seconds(index)).sum::<f64>()
            + self.profiles.iter().map(PlannedProfile::seconds).sum::<f64>()
    }

    /// The lab, and the arms on it.
    pub fn set_up_seconds(&self) -> f64 {
        LAB_SECONDS + self.arms.iter().map(|_| ARM_SECONDS).sum::<f64>()
    }

    /// The row of this index, with what must be built for it, in seconds.
    pub fn row_seconds(&self, index: usize) -> f64 {
        self.building_seconds(index) + self.rows[index].seconds()
    }

    /// What is built for this row that no earlier one has needed, in seconds.
    pub fn building_seconds(&self, index: usize) -> f64 {
        let is_new = |arm: &&ArmName| arm.is_setting() && !self.rows[..index].iter().any(|row| row.arms.contains(arm));
        let settings = self.rows[index].arms.iter().filter(is_new);
        settings.map(setting_seconds).sum::<f64>() + self.rows[index].kind.set_up_seconds()
    }
}

impl PlannedRow {
    /// All runs, and the rests between them, in seconds.
    pub fn seconds(&self) -> f64 {
        let all = |seconds: f64| self.arms.iter().map(|_| seconds).sum::<f64>();
        let rounds = f64::from(self.rounds) * (all(self.kind.run_seconds()) + self.kind.rest_seconds());
        rounds + f64::from(self.starts()) * all(READY_SECONDS)
    }
}

impl PlannedProfile {
    /// The work, and reading what was seen, in seconds.
    pub fn seconds(&self) -> f64 {
        sample_seconds(self.load.warm_up, self.load.measured) + READING_SECONDS
    }
}

impl Kind {
    /// One run of one arm, in seconds.
    pub fn run_seconds(&self) -> f64 {
        match self {
            Self::Load(load) => sample_seconds(load.warm_up, load.measured),
            Self::Rate { warm_up, measured, .. } => sample_seconds(*warm_up, *measured),
            Self::Memory(course) => memory_seconds(course),
            Self::Ready => READY_SECONDS,
            Self::Revocation { proxies } => REVOCATION_SECONDS + f64::from(*proxies) * SECONDS_PER_WATCHER,
        }
    }

    /// What each round adds to its runs, in seconds.
    pub fn rest_seconds(&self) -> f64 {
        // All arms rest at the same time, so that only the last one's rest is waited for.
        if let Self::Memory(course) = self { course.rest.as_secs_f64() } else { 0.0 }
    }

    fn set_up_seconds(&self) -> f64 {
        match self {
            Self::Revocation { proxies } => 5.0 + f64::from(*proxies) * SECONDS_PER_WATCHER_AT_FIRST,
            _ => 0.0,
        }
    }
}

fn sample_seconds(warm_up: Duration, measured: Duration) -> f64 {
    AROUND_A_SAMPLE + (warm_up + measured).as_secs_f64()
}

fn memory_seconds(course: &MemoryCourse) -> f64 {
    let most = course.idle.iter().copied().max().unwrap_or(0);
    let starts = 2.0 * READY_SECONDS + course.settle.as_secs_f64();
    starts + f64::from(most) * SECONDS_PER_IDLE + sample_seconds(course.burst.warm_up, course.burst.measured)
}

/// Rules are one policy; cutoffs are as many facts, each signed by itself.
fn setting_seconds(setting: &ArmName) -> f64 {
    let size: f64 = setting.0.rsplit('-').next().and_then(|size| size.parse().ok()).unwrap_or(0.0);
    ARM_SECONDS + size * SECONDS_PER_ENTRY
}

const LAB_SECONDS: f64 = 3.0;
/// Two pods, two proxies, an application, and the proof that a stranger is refused.
const ARM_SECONDS: f64 = 2.5;
/// The capture and the load generator start, connect, and end.
const AROUND_A_SAMPLE: f64 = 0.25;
/// `perf` starts, and reads what it has recorded.
const READING_SECONDS: f64 = 3.0;
const READY_SECONDS: f64 = 0.6;
const SECONDS_PER_IDLE: f64 = 0.001;
const REVOCATION_SECONDS: f64 = 4.0;
const SECONDS_PER_WATCHER: f64 = 0.005;
const SECONDS_PER_WATCHER_AT_FIRST: f64 = 0.05;
const SECONDS_PER_ENTRY: f64 = 0.000_25;
