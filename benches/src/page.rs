//! The result as one HTML page that stands alone: no script, nothing fetched, charts as SVG.
//!
//! Charts have no `viewBox`: their places are percentages and their letters keep their size, so they need no second form
//! for a narrow screen.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::result::Report;
use crate::table;
use crate::verdict::judge;

pub use picture::pictures;

mod arms;
mod axis;
mod chart;
mod figures;
mod method;
mod picture;
mod profiles;
mod section;
mod summary;

/// The whole result as a page.
pub fn html(report: &Report) -> String {
    let rows = judge(report);
    let content = html! {
        header {
            h1 { "What the encryption costs" }
            p.lead { (table::head(report)) }
            p { (table::machine(report)) }
        }
        (warnings(report))
        main {
            (summary::table(&rows))
            h2 { "Row by row" }
            @for (index, row) in rows.iter().enumerate() { (section::row(index, row)) }
            (profiles::all(report))
            (arms::all(report))
            (method::text(report))
        }
        footer { p { (table::runs(report)) ". Each of them stands in the JSON file that this page was made from." } }
    };
    document(&content).into_string()
}

fn document(content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Bulkhead: what the encryption costs" }
                style { (PreEscaped(STYLE)) }
            }
            body { (content) }
        }
    }
}

fn warnings(report: &Report) -> Markup {
    html! {
        @if !report.warnings.is_empty() {
            section.warnings {
                h2 { "Before you read the figures" }
                ul { @for warning in &report.warnings { li { (warning) } } }
            }
        }
    }
}

const STYLE: &str = include_str!("page/style.css");

#[cfg(test)]
mod tests;
