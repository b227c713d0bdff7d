//! The cells of a table before anybody has drawn its lines: rows down, arms across.

use bulkhead_measure::statistics::Difference;

use crate::arm::ArmName;
use crate::result::Measure;
use crate::verdict::{ArmVerdict, Cell, Comparison, Kind, RowVerdict, figure, names, number, sentence};

/// Rows that have their columns in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// What its rows have in common.
    pub title: String,
    /// What kind of rows.
    pub kind: Kind,
    /// What the columns are headed with; Bulkhead first.
    pub columns: Vec<String>,
    /// Its rows.
    pub lines: Vec<Line>,
}

/// One measure of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The row's name.
    pub row: String,
    /// The measure with its unit.
    pub measure: String,
    /// How many runs each arm had, and how sure an interval of so many is; a cell of fewer says so itself.
    pub runs: String,
    /// One for each column.
    pub cells: Vec<Text>,
}

/// What a cell says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The median, or why there is none.
    pub figure: String,
    /// The ratio, also where there is no difference.
    pub ratio: Option<String>,
    /// The ratio's interval.
    pub interval: Option<String>,
    /// What must be known of both, a line each: that they show no difference, that they are of few pairs.
    pub notes: Vec<String>,
    /// Whether Bulkhead (a setting: with it) is better than the arm, where it differs and one can be better.
    pub better: Option<bool>,
}

/// Which measures of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that answer what the row asks.
    Leading,
    /// The others.
    Further,
}

/// The matrices of these measures, none of them empty.
pub fn of(rows: &[RowVerdict<'_>], which: Which) -> Vec<Matrix> {
    let mut groups: Vec<(Group, Vec<&RowVerdict<'_>>)> = Vec::new();
    for row in rows {
        let group = Group::of(row);
        match groups.iter_mut().find(|(other, _)| *other == group) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((group, vec![row])),
        }
    }
    let matrices = groups.iter().map(|(group, rows)| matrix(group, rows, which));
    matrices.filter(|matrix| !matrix.lines.is_empty()).collect()
}

/// What rows must have in common to stand in one matrix.
#[derive(PartialEq)]
struct Group {
    kind: Kind,
    /// Settings of different families have no column in common.
    family: Option<String>,
}

impl Group {
    fn of(row: &RowVerdict<'_>) -> Self {
        let kind = row.kind();
        Self { kind, family: (kind == Kind::Settings).then(|| row.row.family.clone()) }
    }

    fn title(&self) -> String {
        match (self.kind, &self.family) {
            (Kind::Settings, Some(family)) => format!("Bulkhead with many {family}"),
            (Kind::Alone, _) => "Not compared".into(),
            _ => "Bulkhead beside others".into(),
        }
    }
}

fn matrix(group: &Group, rows: &[&RowVerdict<'_>], which: Which) -> Matrix {
    let mut arms: Vec<&ArmName> = rows.iter().flat_map(|row| &row.arms).map(|verdict| verdict.arm).collect();
    arms.sort_by_key(|arm| names::place(arm));
    arms.dedup();
    let lines = rows.iter().flat_map(|row| measures(row, which).into_iter().map(|measure| line(row, measure, &arms)));
    let columns = arms.iter().map(|arm| names::label(arm)).collect();
    Matrix { title: group.title(), kind: group.kind, columns, lines: lines.collect() }
}

fn measures(row: &RowVerdict<'_>, which: Which) -> Vec<Measure> {
    let leading = row.leading();
    match which {
        Which::Leading => leading,
        Which::Further => {
            let further = |measure: &Measure| !leading.contains(measure) && !measure.is_circumstance();
            row.measures().into_iter().filter(further).collect()
        }
    }
}

fn line(row: &RowVerdict<'_>, measure: Measure, arms: &[&ArmName]) -> Line {
    let cell = |arm: &&ArmName| row.arms.iter().find(|verdict| verdict.arm == *arm);
    Line {
        row: row.row.name.clone(),
        measure: headed(measure),
        runs: tried(row),
        cells: arms.iter().map(|arm| cell(arm).map_or_else(absent, |verdict| noted(row, verdict, measure))).collect(),
    }
}

/// `CPU of proxies, s/GB`.
fn headed(measure: Measure) -> String {
    match measure.unit() {
        "" => measure.short().into(),
        unit => format!("{}, {unit}", measure.short()),
    }
}

/// `15 runs`; `3 runs (75 %)` where a ratio's interval of so many is less sure than 95 %.
fn tried(row: &RowVerdict<'_>) -> String {
    let rounds = row.rounds();
    let runs = if rounds == 1 { "run" } else { "runs" };
    match figure::unsure(rounds).filter(|_| row.kind() != Kind::Alone) {
        Some(sure) => format!("{rounds} {runs} ({sure})"),
        None => format!("{rounds} {runs}"),
    }
}

/// What the table says of an arm's `measure`, and whether fewer pairs than rounds say it.
fn noted(row: &RowVerdict<'_>, verdict: &ArmVerdict<'_>, measure: Measure) -> Text {
    let mut text = text(verdict, measure);
    let against = verdict.figure(measure).and_then(|figure| figure.against.as_ref());
    text.notes.extend(against.and_then(|against| fewer(against, row.rounds())));
    text
}

/// `14 of 15 pairs`; `4 of 6 pairs, 87 %` where an interval of so many is less sure than 95 %.
fn fewer(against: &Comparison, rounds: usize) -> Option<String> {
    let pairs = format!("{} of {rounds} pairs", against.pairs);
    let said = against.unsure().map_or_else(|| pairs.clone(), |sure| format!("{pairs}, {sure}"));
    (against.pairs < rounds).then_some(said)
}

fn absent() -> Text {
    Text { figure: "–".into(), ..Text::default() }
}

/// What the table says of an arm's `measure`.
pub fn text(verdict: &ArmVerdict<'_>, measure: Measure) -> Text {
    let cell = verdict.cell(measure);
    let Cell::Figure(figure) = cell else { return Text { figure: without(&cell), ..Text::default() } };
    let mark = if verdict.note().is_some() { " *" } else { "" };
    let shown = format!("{}{mark}", measure.shown(figure.median));
    match &figure.against {
        None => Text { figure: shown, ..Text::default() },
        Some(against) => Text {
            figure: shown,
            ratio: Some(ratio(against)),
            interval: Some(sentence::interval(against)),
            notes: no_difference(against).into_iter().collect(),
            better: measure.is_better(&against.difference),
        },
    }
}

fn without(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Error(_) => "error".into(),
        Cell::TooFew(_) => "too few runs".into(),
        Cell::Absent | Cell::Figure(_) => "–".into(),
    }
}

/// `× 0.714`.
pub fn ratio(against: &Comparison) -> String {
    format!("× {}", number::figure(against.ratio.middle))
}

/// That the runs show no difference, which is less than that there is none; so ratio and interval stand above it.
fn no_difference(against: &Comparison) -> Option<String> {
    matches!(against.difference, Difference::None).then(|| "no difference".into())
}
