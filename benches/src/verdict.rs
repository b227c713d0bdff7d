//! What the runs of a row say: figures with their spread, ratios with their intervals, errors, and a sentence.
//!
//! [`judge`] is pure, and always says the same of the same report. [`failure`] says when failed runs make an error.

use std::collections::{BTreeMap, BTreeSet};

use crate::arm::{ArmName, Protection};
use crate::result::{Measure, Outcome, Report, Row, Run};

pub mod failure;
pub mod figure;
pub mod measure;
pub mod names;
pub mod number;
pub mod sentence;

pub use failure::Failures;
pub use figure::{Comparison, Direction, Figure};

/// What the runs of a row say.
#[derive(Clone, Debug)]
pub struct RowVerdict<'a> {
    /// The row.
    pub row: &'a Row,
    /// Its arms, in the order of the table.
    pub arms: Vec<ArmVerdict<'a>>,
}

/// What the runs of an arm in a row say.
#[derive(Clone, Debug)]
pub struct ArmVerdict<'a> {
    /// The arm, or the setting of Bulkhead.
    pub arm: &'a ArmName,
    /// Its runs, in the order of the report.
    pub runs: Vec<&'a Run>,
    /// Those that failed.
    pub failures: Option<Failures<'a>>,
    /// Its figures; none if the failures make an error of the row.
    pub figures: Option<BTreeMap<Measure, Figure>>,
}

/// What stands in the table for an arm and a measure.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: the arm has no such figure, or was not run.
    Absent,
    /// No figure but an error.
    Error(&'a Failures<'a>),
    /// So few runs that a figure would be no result.
    TooFew(usize),
    /// A figure, and failures that leave it standing.
    Figure(&'a Figure),
}

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Arms are compared with Bulkhead.
    Arms,
    /// Settings of Bulkhead are compared with Bulkhead without them.
    Settings,
    /// Bulkhead alone.
    Alone,
}

/// What the runs of each row say, in the order of the report.
pub fn judge(report: &Report) -> Vec<RowVerdict<'_>> {
    report.rows.iter().map(|row| judge_row(report, row)).collect()
}

fn judge_row<'a>(report: &'a Report, row: &'a Row) -> RowVerdict<'a> {
    let mut runs: BTreeMap<&ArmName, Vec<&Run>> = BTreeMap::new();
    for run in &row.runs {
        runs.entry(&run.arm).or_default().push(run);
    }
    let ours = runs.get(&ArmName::bulkhead()).map_or(&[][..], Vec::as_slice);
    let rounds = runs.values().map(Vec::len).max().unwrap_or(0);
    let ours = Ours { paired: row.paired, rounds, runs: if proven(report, ours) { ours } else { &[] } };
    let mut arms: Vec<_> = runs.iter().map(|(arm, runs)| judge_arm(report, &ours, arm, runs)).collect();
    arms.sort_by_key(|verdict| names::place(verdict.arm));
    RowVerdict { row, arms }
}

/// What the others are compared with: no runs where Bulkhead's are not to be used.
struct Ours<'a> {
    paired: bool,
    /// How many rounds the row had.
    rounds: usize,
    runs: &'a [&'a Run],
}

fn proven(report: &Report, ours: &[&Run]) -> bool {
    let failures = ours.first().and_then(|run| failure::of(ours, promise(report, &run.arm)));
    failures.is_none_or(|failures| !failures.unproven)
}

fn judge_arm<'a>(report: &Report, ours: &Ours<'_>, arm: &'a ArmName, runs: &[&'a Run]) -> ArmVerdict<'a> {
    let failures = failure::of(runs, promise(report, arm));
    let stands = match &failures {
        None => true,
        Some(failures) => !failures.unproven && failure::enough(remaining(ours, arm, runs), ours.rounds),
    };
    let figures = stands.then(|| figures(ours, arm, runs));
    ArmVerdict { arm, runs: runs.to_vec(), failures, figures }
}

/// What an arm must do to the bytes; a setting of Bulkhead the same as Bulkhead.
fn promise(report: &Report, arm: &ArmName) -> Protection {
    match report.arms.get(arm) {
        Some(about) => about.protection,
        None if names::is_without_proxies(arm) => Protection::None,
        None => Protection::MutualTls,
    }
}

/// How many runs remain that say something: pairs where the row compares.
fn remaining(ours: &Ours<'_>, arm: &ArmName, runs: &[&Run]) -> usize {
    let measured = |runs: &[&Run]| -> BTreeSet<u32> {
        runs.iter().filter(|run| matches!(run.outcome, Outcome::Measured(_))).map(|run| run.round).collect()
    };
    match direction(ours, arm) {
        Some(_) => measured(runs).intersection(&measured(ours.runs)).count(),
        None => measured(runs).len(),
    }
}

fn direction(ours: &Ours<'_>, arm: &ArmName) -> Option<Direction> {
    match (ours.paired && !arm.is_bulkhead(), arm.setting()) {
        (false, _) => None,
        (true, Some(_)) => Some(Direction::SettingByOurs),
        (true, None) => Some(Direction::OursByTheirs),
    }
}

fn figures(ours: &Ours<'_>, arm: &ArmName, runs: &[&Run]) -> BTreeMap<Measure, Figure> {
    let measures = measures_of(runs).into_iter().filter(|measure| has(arm, *measure));
    measures.filter_map(|measure| Some((measure, figure_of(ours, arm, runs, measure)?))).collect()
}

fn figure_of(ours: &Ours<'_>, arm: &ArmName, runs: &[&Run], measure: Measure) -> Option<Figure> {
    let values: Vec<_> = runs.iter().filter_map(|run| figure::value(run, measure)).collect();
    let against = direction(ours, arm).and_then(|direction| {
        figure::compare(&figure::by_round(ours.runs, measure), &figure::by_round(runs, measure), direction)
    });
    figure::of(&values, against.filter(|against| failure::enough(against.pairs, ours.rounds)))
}

fn has(arm: &ArmName, measure: Measure) -> bool {
    !(names::is_without_proxies(arm) && measure.is_of_proxies())
}

fn measures_of(runs: &[&Run]) -> BTreeSet<Measure> {
    let measured = runs.iter().filter_map(|run| match &run.outcome {
        Outcome::Measured(values) => Some(values.keys().copied()),
        Outcome::Failed(_) => None,
    });
    measured.flatten().collect()
}

impl<'a> RowVerdict<'a> {
    /// What kind of row it is.
    pub fn kind(&self) -> Kind {
        match self.arms.iter().any(|verdict| verdict.arm.is_setting()) {
            _ if !self.row.paired => Kind::Alone,
            true => Kind::Settings,
            false => Kind::Arms,
        }
    }

    /// What any of its runs measured: the primary measure first, then in the order of [`Measure`].
    pub fn measures(&self) -> Vec<Measure> {
        let found = self.arms.iter().flat_map(|verdict| measures_of(&verdict.runs)).collect::<BTreeSet<_>>();
        let others = found.into_iter().filter(|measure| *measure != self.row.primary);
        std::iter::once(self.row.primary).chain(others).collect()
    }

    /// The measures that answer what the row asks: the primary one, and where a row asks for several states, as that of
    /// memory does, each of them.
    pub fn leading(&self) -> Vec<Measure> {
        let asked = |measure: &Measure| *measure == self.row.primary || measure.stands_beside(self.row.primary);
        self.measures().into_iter().filter(asked).collect()
    }

    /// How many runs of an arm were tried at most.
    pub fn rounds(&self) -> usize {
        self.arms.iter().map(|verdict| verdict.runs.len()).max().unwrap_or(0)
    }

    /// Bulkhead without a setting.
    pub fn ours(&self) -> Option<&ArmVerdict<'a>> {
        self.arms.iter().find(|verdict| verdict.arm.is_bulkhead())
    }

    /// All but Bulkhead without a setting.
    pub fn others(&self) -> impl Iterator<Item = &ArmVerdict<'a>> {
        self.arms.iter().filter(|verdict| !verdict.arm.is_bulkhead())
    }
}

impl ArmVerdict<'_> {
    /// What the table shows of `measure`.
    pub fn cell(&self, measure: Measure) -> Cell<'_> {
        match (&self.figures, &self.failures) {
            (None, Some(failures)) => Cell::Error(failures),
            (Some(figures), _) => match figures.get(&measure) {
                Some(figure) if !failure::enough(figure.runs, self.runs.len()) => Cell::TooFew(figure.runs),
                Some(figure) => Cell::Figure(figure),
                None => Cell::Absent,
            },
            (None, _) => Cell::Absent,
        }
    }

    /// The figure of `measure` that the table shows.
    pub fn figure(&self, measure: Measure) -> Option<&Figure> {
        match self.cell(measure) {
            Cell::Figure(figure) => Some(figure),
            _ => None,
        }
    }

    /// What is said of failures that leave the figures standing.
    pub fn note(&self) -> Option<&Failures<'_>> {
        self.failures.as_ref().filter(|_| self.figures.is_some())
    }
}

#[cfg(test)]
mod tests;
