//! A chart of one measure of one row: for each arm a bar up to its median, whiskers, and a dot for every run.

use bulkhead_measure::statistics::{Interval, interval_of_median};
use maud::{Markup, html};

use super::axis::Axis;
use crate::result::Measure;
use crate::verdict::measure::Better;
use crate::verdict::{ArmVerdict, Cell, RowVerdict, figure, names, sentence};

/// One arm as it is drawn.
struct Bar {
    label: String,
    ours: bool,
    drawn: Drawn,
}

enum Drawn {
    /// Why there is nothing to draw.
    Nothing(String),
    /// The interval of the median, and each run's round and value.
    Figure { interval: Interval, runs: Vec<(u32, f64)> },
}

/// The chart of `measure`; `id` is unique on the page.
pub(super) fn chart(id: &str, row: &RowVerdict<'_>, measure: Measure) -> Markup {
    let bars: Vec<_> = row.arms.iter().filter_map(|verdict| bar(verdict, measure)).collect();
    let axis = Axis::to(reach(&bars));
    let floor = i32::try_from(bars.len()).map_or(0, |bars| bars * BAR);
    let (title, description) = (format!("{id}-title"), format!("{id}-description"));
    html! {
        svg role="img" width="100%" height=(floor + FOOT) aria-labelledby=(format!("{title} {description}")) {
            title id=(title) { (row.row.name) ": " (measure.heading()) }
            desc id=(description) { (described(&bars, measure)) }
            (grid(&axis, floor, measure))
            @for (bar, top) in bars.iter().zip((0..).map(|index| index * BAR)) { (drawn(bar, top, &axis, measure)) }
        }
    }
}

/// How high that chart is, in pixels.
pub(super) fn height(row: &RowVerdict<'_>, measure: Measure) -> i32 {
    let bars = row.arms.iter().filter(|verdict| bar(verdict, measure).is_some()).count();
    i32::try_from(bars).map_or(0, |bars| bars * BAR) + FOOT
}

fn bar(verdict: &ArmVerdict<'_>, measure: Measure) -> Option<Bar> {
    let drawn = match verdict.cell(measure) {
        Cell::Absent => return None,
        Cell::Error(failures) => Drawn::Nothing(format!("error: {} of {} runs failed", failures.failed, failures.of)),
        Cell::TooFew(_) => Drawn::Nothing("too few runs".into()),
        Cell::Figure(_) => figure_of(verdict, measure),
    };
    Some(Bar { label: shortened(&names::label(verdict.arm)), ours: verdict.arm.is_bulkhead(), drawn })
}

fn figure_of(verdict: &ArmVerdict<'_>, measure: Measure) -> Drawn {
    let found = verdict.runs.iter().filter_map(|run| Some((run.round, figure::value(run, measure)?)));
    let runs: Vec<_> = found.collect();
    match interval_of_median(&runs.iter().map(|(_, value)| *value).collect::<Vec<_>>()) {
        Ok(interval) => Drawn::Figure { interval, runs },
        Err(error) => Drawn::Nothing(error.to_string()),
    }
}

/// How far the axis must go: to the last run, unless it lies so far off that it would press all others together.
fn reach(bars: &[Bar]) -> f64 {
    let figures = bars.iter().filter_map(|bar| match &bar.drawn {
        Drawn::Figure { interval, runs } => Some((interval.high, runs)),
        Drawn::Nothing(_) => None,
    });
    let (highs, runs): (Vec<f64>, Vec<_>) = figures.unzip();
    let limit = highs.into_iter().fold(0.0, f64::max) * FAR_OFF;
    runs.into_iter().flatten().map(|(_, value)| *value).filter(|value| *value <= limit).fold(0.0, f64::max)
}

fn grid(axis: &Axis, floor: i32, measure: Measure) -> Markup {
    let better = match measure.better() {
        Better::Less => "; less is better",
        Better::More => "; more is better",
        Better::Neither => "",
    };
    html! {
        @for mark in axis.marks() {
            line.grid x1=(across(axis, mark)) x2=(across(axis, mark)) y1="0" y2=(floor) {}
            text.mark x=(across(axis, mark)) y=(floor + 15) text-anchor=(anchor(mark)) { (axis.label(mark)) }
        }
        text.unit x="0" y=(floor + 33) { (measure.unit()) (better) }
    }
}

fn drawn(bar: &Bar, top: i32, axis: &Axis, measure: Measure) -> Markup {
    html! {
        g class=(if bar.ours { "ours" } else { "other" }) {
            text.arm x="0" y=(top + 14) { (bar.label) }
            text.value x="100%" y=(top + 14) text-anchor="end" { (valued(bar, measure)) }
            @if let Drawn::Figure { interval, runs } = &bar.drawn {
                rect.bar x="0" y=(top + 20) width=(across(axis, interval.middle)) height="14" {}
                (whiskers(interval, top + 27, axis))
                @for (round, value) in runs { (dot(*round, *value, top + 27, axis, measure)) }
                (beyond(runs, top + 31, axis))
            }
        }
    }
}

/// A line from bound to bound with a short end each, and the median as a longer one.
fn whiskers(interval: &Interval, middle: i32, axis: &Axis) -> Markup {
    let ends = [(interval.low, 4), (interval.middle, 8), (interval.high, 4)];
    html! {
        line.whisker x1=(across(axis, interval.low)) x2=(across(axis, interval.high)) y1=(middle) y2=(middle) {}
        @for (value, half) in ends {
            line.whisker x1=(across(axis, value)) x2=(across(axis, value)) y1=(middle - half) y2=(middle + half) {}
        }
    }
}

/// A run. Runs of one arm stand at different heights, so that equal ones are seen as several.
fn dot(round: u32, value: f64, middle: i32, axis: &Axis, measure: Measure) -> Markup {
    let height = middle - 5 + i32::try_from(round * 7 % 11).unwrap_or(5);
    html! {
        @if value <= axis.end {
            circle.run cx=(across(axis, value)) cy=(height) r="2" {
                title { "round " (round + 1) ": " (measure.shown(value)) (measure.unit_after_a_number()) }
            }
        }
    }
}

fn beyond(runs: &[(u32, f64)], baseline: i32, axis: &Axis) -> Markup {
    let beyond = runs.iter().filter(|(_, value)| *value > axis.end).count();
    html! {
        @if beyond > 0 {
            text.beyond x="100%" y=(baseline) text-anchor="end" { (beyond) " beyond the axis ▸" }
        }
    }
}

/// `2.57 (2.53 to 2.61)`.
fn valued(bar: &Bar, measure: Measure) -> String {
    match &bar.drawn {
        Drawn::Nothing(why) => why.clone(),
        Drawn::Figure { interval, .. } => {
            let [low, middle, high] = [interval.low, interval.middle, interval.high].map(|value| measure.shown(value));
            format!("{middle} ({low} to {high})")
        }
    }
}

/// The chart in words, for whoever hears it.
fn described(bars: &[Bar], measure: Measure) -> String {
    let said = bars.iter().map(|bar| format!("{} {}", bar.label, valued(bar, measure)));
    let heading = sentence::first_upper(measure.heading());
    let unit = measure.unit();
    let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
    format!("{heading}{unit}, median and its interval: {}.", said.collect::<Vec<_>>().join("; "))
}

/// A place on the axis as an attribute says it; the last hundredth stays free for what is drawn around it.
fn across(axis: &Axis, value: f64) -> String {
    format!("{:.2}%", axis.place(value) * 0.99)
}

/// The label of 0 would be cut off if it stood in the middle of its mark.
fn anchor(mark: f64) -> &'static str {
    if mark > 0.0 { "middle" } else { "start" }
}

fn shortened(label: &str) -> String {
    let mut letters: String = label.chars().take(LABEL).collect();
    if label.chars().nth(LABEL).is_some() {
        letters.push('…');
    }
    letters
}

/// Pixels for each arm: a line of text and a bar.
const BAR: i32 = 42;
/// Pixels for the axis: its marks, and a line of text.
const FOOT: i32 = 40;
/// So many letters of a name have room beside a figure on a narrow screen.
const LABEL: usize = 22;
/// A run so many times the highest interval lies beyond the axis.
const FAR_OFF: f64 = 1.6;
