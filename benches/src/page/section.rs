//! What the page says of one row: verdicts, charts, and all figures beneath.

use bulkhead_measure::statistics::confidence;
use maud::{Markup, html};

use super::chart::chart;
use super::figures;
use crate::result::Measure;
use crate::verdict::{Kind, RowVerdict, sentence};

/// The section of the row with this index.
pub(super) fn row(index: usize, row: &RowVerdict<'_>) -> Markup {
    let leading = row.leading();
    html! {
        section.row id=(anchor(index)) {
            h3 { (row.row.name) }
            p.title { (sentence::first_upper(&row.row.title)) "; " (tried(row)) "." }
            @for (which, measure) in leading.iter().enumerate() { (measured(&format!("{}-{which}", anchor(index)), row, *measure)) }
            @for remark in row.remarks() { p.remark { (remark) } }
            details {
                summary { "All figures of " (row.row.name) }
                (figures::table(row))
            }
        }
    }
}

/// What links to a row link to.
pub(super) fn anchor(index: usize) -> String {
    format!("row-{index}")
}

/// How often it was measured, and how sure an interval of so many is.
fn tried(row: &RowVerdict<'_>) -> String {
    let rounds = row.rounds();
    let runs = if rounds == 1 { "run" } else { "runs" };
    match confidence(rounds) {
        less if less < 0.95 && row.kind() != Kind::Alone => {
            format!("{rounds} {runs} of each, so that the ratios' intervals are {:.0} % sure", (less * 100.0).floor())
        }
        _ => format!("{rounds} {runs} of each"),
    }
}

fn measured(id: &str, row: &RowVerdict<'_>, measure: Measure) -> Markup {
    html! {
        @if let Some(verdict) = row.about(measure) { p.verdict { (verdict) } }
        @if is_drawn(row, measure) {
            figure {
                figcaption { (sentence::first_upper(measure.heading())) }
                (chart(id, row, measure))
            }
        }
    }
}

/// What is counted and not measured is said, not drawn; and an axis without a figure says nothing.
fn is_drawn(row: &RowVerdict<'_>, measure: Measure) -> bool {
    !measure.unit().is_empty() && row.arms.iter().any(|verdict| verdict.figure(measure).is_some())
}
