//! The result as a table for a terminal and for Markdown.
//!
//! Both show the same: warnings, a table of medians by each row's leading measures with Bulkhead's ratio to each arm, the
//! verdicts in words, a longer table of the further measures, and the machine.

use std::fmt::Write as _;

use crate::result::{Outcome, Report};
use crate::verdict::{RowVerdict, number};
use matrix::{Matrix, Which};

mod markdown;
pub mod matrix;
mod text;

pub use markdown::{markdown, summary};
pub use text::text;

/// What must be known to read a table of medians.
pub const LEGEND: &str = "Medians. Beneath each: Bulkhead's figure divided by the arm's, the median of the ratios of all \
rounds, and between what that median lies with at least 95 % confidence: of 15 pairs from the fourth lowest ratio to the fourth \
highest, of 8 or fewer all of them (of 5 that is 93 % sure, of 4 87 %, of 3 75 %). A ratio whose interval holds 1 is no \
difference: these runs show none, which does not prove that there is none. Of hundreds of intervals some leave 1 out by chance \
alone: one in twenty at 95 %, one in four at 75 %. Less is better, except for throughput and operations a second.";

/// What is different where a table compares settings.
pub const SETTINGS_LEGEND: &str = "The figure with the setting divided by that without.";

/// What was run, when, and for how long.
pub fn head(report: &Report) -> String {
    let told: Vec<_> = report.told.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let minutes = number::with_decimals(report.seconds / 60.0, 0);
    let began = report.began.replacen('T', " ", 1).replace('Z', " UTC");
    let run = format!("Bulkhead {}, {began}, {minutes} minutes", report.version);
    [vec![run], told].concat().join(", ")
}

/// The machine, in one line.
pub fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let mut line = format!("{}, {} cores, ", machine.processor, machine.cores);
    #[allow(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let gigabytes = machine.memory as f64 / 1e9;
    let _ = write!(line, "{} GB of memory, Linux {}; ", number::with_decimals(gigabytes, 1), machine.kernel);
    let _ = write!(line, "congestion control {}; ", machine.congestion_control);
    let _ = write!(line, "load {} before, ", number::with_decimals(machine.load_before, 2));
    let _ =
        write!(line, "{} % of its time taken by its host meanwhile", number::with_decimals(machine.steal * 100.0, 1));
    line
}

/// How many runs there were, and how many failed.
pub fn runs(report: &Report) -> String {
    let all = report.rows.iter().map(|row| row.runs.len()).sum::<usize>();
    let failed = report.rows.iter().flat_map(|row| &row.runs).filter(|run| matches!(run.outcome, Outcome::Failed(_)));
    let [all, failed] = [all, failed.count()].map(|count| number::thousands(&count.to_string()));
    format!("{all} runs, all of them kept; {failed} failed")
}

fn matrices(rows: &[RowVerdict<'_>]) -> [Vec<Matrix>; 2] {
    [Which::Leading, Which::Further].map(|which| matrix::of(rows, which))
}

#[cfg(test)]
mod tests;
