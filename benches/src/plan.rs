//! Which rows are measured, in which order, and how long that takes. Pure.
//!
//! A row is measured in rounds; each round runs every arm of the row once. [`duration`] says how long that takes, for the
//! progress bar and for `--list`; [`rows`] is the table of all rows.

mod duration;
mod family;
mod list;
mod profiles;
mod rows;

use std::time::Duration;

use bulkhead_measure::Work;

use crate::arm::{ArmName, Protection};
use crate::result::Measure;

pub use family::Family;
pub(crate) use list::minutes;
pub use list::text as list;

/// Every row of a bench, in the order in which they are measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The arms that take part.
    pub arms: Vec<PlannedArm>,
    /// The rows.
    pub rows: Vec<PlannedRow>,
    /// The works under which Bulkhead's proxies are looked at, after the rows.
    pub profiles: Vec<PlannedProfile>,
}

/// What a plan must know of an arm before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedArm {
    /// What it is called.
    pub name: ArmName,
    /// Whether it has proxies, and whether they encrypt.
    pub protection: Protection,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Everything; for a figure that is shown.
    Full,
    /// One row of each family, few and short runs; shows that the harness works.
    Quick,
}

/// One row before it is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRow {
    /// Its name, unique.
    pub name: String,
    /// Its family.
    pub family: Family,
    /// What it is, in a sentence.
    pub title: String,
    /// The measure by which the table compares.
    pub primary: Measure,
    /// Whether its arms are compared with Bulkhead.
    pub paired: bool,
    /// Who takes part.
    pub arms: Vec<ArmName>,
    /// How often each of them runs.
    pub rounds: u32,
    /// After how many rounds the proxies are started anew; 0 is never.
    pub rounds_per_start: u32,
    /// What a run is.
    pub kind: Kind,
}

/// A work under which the proxies are looked at, function by function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedProfile {
    /// The row that has the same work.
    pub row: String,
    /// The work, and for how long it is looked at.
    pub load: Load,
}

/// What a run of a row is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A load generator does one work for a while.
    Load(Load),
    /// Requests at a share of what the slowest arm can, which an earlier row has found.
    Rate {
        /// Of what kind.
        protocol: Protocol,
        /// Hundredths of the slowest arm's capacity, 1 to 100.
        percent: u32,
        /// How long before the clocks are read.
        warm_up: Duration,
        /// How long between the two readings.
        measured: Duration,
    },
    /// Memory of the proxies at rest, with idle connections, after a burst, and after a rest.
    Memory(MemoryCourse),
    /// From the start of the proxies to the first answer.
    Ready,
    /// A node is revoked while so many proxies watch.
    Revocation {
        /// How many.
        proxies: u32,
    },
}

/// One work, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What to do.
    pub work: Work,
    /// How long before the clocks are read.
    pub warm_up: Duration,
    /// How long between the two readings.
    pub measured: Duration,
}

/// What the proxies' memory goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryCourse {
    /// How long proxies that have just started are left alone before their memory is seen.
    pub settle: Duration,
    /// Numbers of idle connections that are held, rising.
    pub idle: Vec<u32>,
    /// The burst that follows when they are closed.
    pub burst: Load,
    /// How long to wait after it.
    pub rest: Duration,
}

/// What requests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// gRPC, unary.
    Grpc,
}

impl Plan {
    /// The rows of these families for these arms. Families that ask only Bulkhead are left out where it does not take
    /// part.
    pub fn new(length: Length, arms: Vec<PlannedArm>, families: &[Family]) -> Self {
        let chosen = Family::ALL.into_iter().filter(|family| families.contains(family));
        let rows = chosen.flat_map(|family| rows::of(family, length, &arms)).filter(|row| !row.arms.is_empty());
        let profiles = profiles::of(length, &arms, families);
        Self { rows: rows.collect(), profiles, arms }
    }

    /// Whether this arm is needed in the row of this index or a later one.
    pub fn needs_from(&self, index: usize, arm: &ArmName) -> bool {
        self.rows.iter().skip(index).any(|row| row.arms.contains(arm))
    }

    /// Most connections that are held idle.
    pub fn idle_connections(&self) -> u32 {
        let most = |row: &PlannedRow| match &row.kind {
            Kind::Memory(course) => course.idle.iter().copied().max(),
            _ => None,
        };
        self.rows.iter().filter_map(most).max().unwrap_or(0)
    }
}

impl PlannedRow {
    /// Whether the proxies are started anew before they run in this round. One start may have luck that another has
    /// not, with the places of its memory and its threads: so the runs of a row are of several.
    pub const fn begins_anew(&self, round: u32) -> bool {
        self.rounds_per_start > 0 && round > 0 && round.is_multiple_of(self.rounds_per_start)
    }

    /// In how many rounds they are.
    pub(crate) fn starts(&self) -> u32 {
        (0..self.rounds).map(|round| u32::from(self.begins_anew(round))).sum()
    }
}

impl PlannedArm {
    /// An arm of this name, as far as the name says it.
    pub fn named(name: &str) -> Self {
        let protection = match name {
            "none" => Protection::None,
            "relay" => Protection::Relayed,
            _ => Protection::MutualTls,
        };
        Self { name: ArmName(name.to_owned()), protection }
    }
}

impl Protocol {
    /// The row that finds what each arm can.
    pub const fn capacity_row(self) -> &'static str {
        match self {
            Self::Http => "http-capacity",
            Self::Grpc => "grpc-capacity",
        }
    }
}

#[cfg(test)]
mod tests;
