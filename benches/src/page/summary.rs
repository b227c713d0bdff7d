//! The table of medians at the top of the page.

use maud::{Markup, html};

use super::section;
use crate::table::matrix::{self, Line, Matrix, Text, Which};
use crate::table::{LEGEND, SETTINGS_LEGEND};
use crate::verdict::{Kind, RowVerdict};

/// The leading measures of all rows; a row's name leads to its section.
pub(super) fn table(rows: &[RowVerdict<'_>]) -> Markup {
    let matrices = matrix::of(rows, Which::Leading);
    html! {
        section.summary {
            h2 { "At a glance" }
            p { (LEGEND) }
            p {
                span.key { span.better { "▲" } " Bulkhead is better" } ", "
                span.key { span.worse { "▼" } " Bulkhead is worse" } ", "
                span.key { span.same { "grey" } " no difference seen" } ", "
                span.key { "* some runs failed" }
            }
            @for matrix in &matrices {
                h3 { (matrix.title) }
                @if matrix.kind == Kind::Settings { p { (SETTINGS_LEGEND) " ▲ is better with it, ▼ worse." } }
                (drawn(matrix, rows))
            }
        }
    }
}

fn drawn(matrix: &Matrix, rows: &[RowVerdict<'_>]) -> Markup {
    html! {
        div.scroll {
            table.medians {
                thead {
                    tr {
                        td {}
                        @for (index, column) in matrix.columns.iter().enumerate() {
                            th scope="col" .ours[index == 0] { (column) }
                        }
                    }
                }
                tbody { @for line in &matrix.lines { (row(line, rows)) } }
            }
        }
    }
}

fn row(line: &Line, rows: &[RowVerdict<'_>]) -> Markup {
    let index = rows.iter().position(|row| row.row.name == line.row).unwrap_or(0);
    html! {
        tr {
            th scope="row" {
                a href=(format!("#{}", section::anchor(index))) { (line.row) }
                small { (line.measure) }
                small { (line.runs) }
            }
            @for (index, cell) in line.cells.iter().enumerate() { td .ours[index == 0] { (said(cell)) } }
        }
    }
}

fn said(cell: &Text) -> Markup {
    let (class, sign) = match cell.better {
        Some(true) => ("better", "▲ "),
        Some(false) => ("worse", "▼ "),
        None => ("same", ""),
    };
    html! {
        span.figure { (cell.figure) }
        @if let Some(ratio) = &cell.ratio { span class=(class) { (sign) (ratio) } }
        @if let Some(interval) = &cell.interval { small { (interval) } }
        @for note in &cell.notes { small { (note) } }
    }
}
