//! What the page says of one row: verdicts, charts, and all figures beneath.

use maud::{Markup, html};

use super::chart::chart;
use super::figures;
use crate::result::Measure;
use crate::verdict::{RowVerdict, figure, sentence};

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

/// How often it was measured, and how sure the intervals of its ratios are, of which some may have fewer pairs.
fn tried(row: &RowVerdict<'_>) -> String {
    let rounds = row.rounds();
    let runs = if rounds == 1 { "run" } else { "runs" };
    let pairs = pairs(row);
    let (fewest, most) = (pairs.iter().min(), pairs.iter().max());
    let least = if fewest == most { "" } else { "at least " };
    match fewest.and_then(|fewest| figure::unsure(*fewest)) {
        Some(sure) => format!("{rounds} {runs} of each; its ratios' intervals are {least}{sure} sure"),
        None => format!("{rounds} {runs} of each"),
    }
}

/// Of how many pairs each of its ratios is.
fn pairs(row: &RowVerdict<'_>) -> Vec<usize> {
    let figures = row.measures().into_iter().flat_map(|measure| row.arms.iter().map(move |arm| arm.figure(measure)));
    figures.flatten().filter_map(|figure| Some(figure.against.as_ref()?.pairs)).collect()
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
pub(super) fn is_drawn(row: &RowVerdict<'_>, measure: Measure) -> bool {
    !measure.unit().is_empty() && row.arms.iter().any(|verdict| verdict.figure(measure).is_some())
}
