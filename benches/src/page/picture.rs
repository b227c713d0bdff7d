//! The leading chart of a row as a picture that stands alone, for documentation.

use maud::{Markup, PreEscaped, html};

use super::STYLE;
use super::chart::{chart, height};
use super::section::is_drawn;
use crate::result::Report;
use crate::verdict::{RowVerdict, judge};

/// A picture, and what its file is called.
pub struct Picture {
    /// The row's name.
    pub name: String,
    /// SVG.
    pub svg: String,
}

/// A picture of each row that has something to draw.
pub fn pictures(report: &Report) -> Vec<Picture> {
    judge(report).iter().filter_map(picture).collect()
}

fn picture(row: &RowVerdict<'_>) -> Option<Picture> {
    let measure = row.leading().into_iter().find(|measure| is_drawn(row, *measure))?;
    let height = height(row, measure) + 2 * MARGIN;
    let framed = framed(&chart("chart", row, measure), height);
    Some(Picture { name: row.row.name.clone(), svg: framed.into_string() })
}

/// On the page's ground, for whoever shows it may have another one.
fn framed(chart: &Markup, height: i32) -> Markup {
    let (inner, whole) = (WIDTH - 2 * MARGIN, format!("0 0 {WIDTH} {height}"));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height) viewBox=(whole) {
            style { (PreEscaped(STYLE)) }
            rect width="100%" height="100%" fill="var(--page)" {}
            svg x=(MARGIN) y=(MARGIN) width=(inner) height=(height - 2 * MARGIN) font-family="sans-serif" { (chart) }
        }
    }
}

/// In pixels.
const WIDTH: i32 = 760;
const MARGIN: i32 = 16;
