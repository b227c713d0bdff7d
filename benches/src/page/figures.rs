//! Every figure of a row: median, spread, runs, ratio and interval, by measure and arm.

use bulkhead_measure::statistics::Difference;
use maud::{Markup, html};

use crate::result::Measure;
use crate::table::matrix;
use crate::verdict::measure::Better;
use crate::verdict::{ArmVerdict, Cell, Figure, Kind, RowVerdict, names, sentence};

/// A table with all figures of `row`.
pub(super) fn table(row: &RowVerdict<'_>) -> Markup {
    html! {
        div.scroll {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "Arm" }
                        @for head in heads(row) { th scope="col" { (head) } }
                    }
                }
                @for measure in row.measures() { (measured(row, measure)) }
            }
        }
    }
}

/// The columns; without ratios where nothing is compared.
fn heads(row: &RowVerdict<'_>) -> &'static [&'static str] {
    let heads = &["Median", "Least", "Most", "Runs", "Ratio", "Interval", "Pairs"];
    if row.kind() == Kind::Alone { &heads[..SPREAD] } else { heads }
}

fn measured(row: &RowVerdict<'_>, measure: Measure) -> Markup {
    let lines: Vec<_> = row.arms.iter().filter(|verdict| verdict.cell(measure) != Cell::Absent).collect();
    html! {
        @if !lines.is_empty() {
            tbody {
                tr { th.group scope="rowgroup" colspan=(1 + heads(row).len()) { (headed(measure)) } }
                @for verdict in lines { (line(verdict, measure, heads(row).len())) }
            }
        }
    }
}

fn line(verdict: &ArmVerdict<'_>, measure: Measure, columns: usize) -> Markup {
    let text = matrix::text(verdict, measure);
    html! {
        tr {
            th scope="row" { (names::label(verdict.arm)) }
            td { (text.figure) }
            @match verdict.figure(measure) {
                Some(figure) => {
                    (spread(figure, measure))
                    @if columns > SPREAD { (compared(figure)) }
                },
                None => td colspan=(columns - 1) {},
            }
        }
    }
}

fn spread(figure: &Figure, measure: Measure) -> Markup {
    html! {
        td { (measure.shown(figure.least)) }
        td { (measure.shown(figure.most)) }
        td { (figure.runs) }
    }
}

fn compared(figure: &Figure) -> Markup {
    html! {
        @match &figure.against {
            Some(against) => {
                td { (matrix::ratio(against)) }
                td { (sentence::interval(against)) @if matches!(against.difference, Difference::None) { ", no difference" } }
                td { (against.pairs) @if let Some(sure) = against.unsure() { " (" (sure) ")" } }
            }
            None => td colspan="3" {},
        }
    }
}

/// Columns before the ratio: median, least, most, runs.
const SPREAD: usize = 4;

fn headed(measure: Measure) -> String {
    let better = match measure.better() {
        Better::Less => "less is better",
        Better::More => "more is better",
        Better::Neither => "counted",
    };
    let unit = measure.unit();
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    format!("{}{unit} ({better})", sentence::first_upper(measure.heading()))
}
