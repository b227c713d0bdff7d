//! Where Bulkhead's cycles went: for each work what they were spent for, and the functions.

use maud::{Markup, html};

use crate::profile::{Function, LEGEND, Profile, percent};
use crate::result::Report;

/// Every profile; nothing where there is none.
pub(super) fn all(report: &Report) -> Markup {
    html! {
        @if !report.profiles.is_empty() {
            section.profiles {
                h2 { "Where Bulkhead's cycles go" }
                p { (LEGEND) }
                @for profile in &report.profiles { (one(profile)) }
            }
        }
    }
}

fn one(profile: &Profile) -> Markup {
    html! {
        h3 { (profile.row) }
        p { (profile.places_in_words()) }
        details {
            summary { "The functions" }
            div.scroll {
                table.figures {
                    thead { tr { th scope="col" { "Share" } th scope="col" { "In" } th scope="col" { "Function" } } }
                    tbody { @for function in profile.first(LINES) { (line(function)) } }
                }
            }
        }
    }
}

fn line(function: &Function) -> Markup {
    html! {
        tr { td { (percent(function.share)) } td.name { (function.object) } td.name { (function.symbol) } }
    }
}

/// So many functions are shown; the JSON has all above a thousandth.
const LINES: usize = 40;
