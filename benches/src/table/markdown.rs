//! The table for Markdown, as README and documentation show it.

use crate::profile::{Function, LEGEND as LEGEND_OF_PROFILES, Profile, percent};
use crate::result::Report;
use crate::table::matrix::{Line, Matrix, Text};
use crate::table::{LEGEND, SETTINGS_LEGEND, head, machine, matrices, runs};
use crate::verdict::{Kind, RowVerdict, judge};

/// The whole result: warnings, table, verdicts, further measures, machine.
pub fn markdown(report: &Report) -> String {
    let rows = judge(report);
    let [leading, further] = matrices(&rows);
    let mut parts = opening(report, &leading);
    parts.push(rows.iter().map(said).collect());
    parts.extend((!further.is_empty()).then(|| "### Further measures\n".into()));
    parts.extend(further.iter().map(drawn));
    parts.extend(profiles(report));
    parts.push(closing(report));
    parts.join("\n")
}

/// The first table alone, with warnings and machine, as README shows it.
pub fn summary(report: &Report) -> String {
    let [leading, _] = matrices(&judge(report));
    let mut parts = opening(report, &leading);
    parts.push(closing(report));
    parts.join("\n")
}

fn profiles(report: &Report) -> Option<String> {
    let one = |profile: &Profile| {
        let line = |function: &Function| {
            let (object, symbol) = (escaped(&function.object), escaped(&function.symbol));
            format!("| {} | {object} | {symbol} |\n", percent(function.share))
        };
        let lines = profile.first(LINES).iter().map(line).collect::<String>();
        let places = escaped(&profile.places_in_words());
        format!("**{}**: {places}\n\n| share | in | function |\n|---:|:---|:---|\n{lines}", escaped(&profile.row))
    };
    let all: Vec<_> = report.profiles.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("### Where Bulkhead's cycles go\n\n{LEGEND_OF_PROFILES}\n\n{}", all.join("\n")))
}

fn opening(report: &Report, leading: &[Matrix]) -> Vec<String> {
    let mut parts: Vec<_> =
        report.warnings.iter().map(|warning| format!("> **Warning:** {}\n", escaped(warning))).collect();
    parts.extend([format!("{}\n", escaped(&head(report))), format!("{LEGEND}\n")]);
    parts.extend(leading.iter().map(drawn));
    parts
}

fn closing(report: &Report) -> String {
    format!("{}. {}\n", escaped(&runs(report)), escaped(&machine(report)))
}

fn said(row: &RowVerdict<'_>) -> String {
    format!("- **{}**: {}\n", escaped(&row.row.name), escaped(&row.sentences()))
}

fn drawn(matrix: &Matrix) -> String {
    let legend = if matrix.kind == Kind::Settings { format!("{SETTINGS_LEGEND}\n\n") } else { String::new() };
    let head = matrix.columns.iter().map(|column| escaped(column)).collect::<Vec<_>>().join(" | ");
    let rule = "---:|".repeat(matrix.columns.len());
    let lines = matrix.lines.iter().map(line).collect::<String>();
    format!("**{}**\n\n{legend}| | {head} |\n|:---|{rule}\n{lines}", escaped(&matrix.title))
}

fn line(line: &Line) -> String {
    let cells = line.cells.iter().map(cell).collect::<Vec<_>>().join(" | ");
    let [row, measure, runs] = [&line.row, &line.measure, &line.runs].map(|text| escaped(text));
    format!("| **{row}**<br>{measure}<br>{runs} | {cells} |\n")
}

fn cell(cell: &Text) -> String {
    let parts = [Some(&cell.figure), cell.ratio.as_ref(), cell.interval.as_ref()];
    parts.into_iter().flatten().chain(&cell.notes).map(|part| escaped(part)).collect::<Vec<_>>().join("<br>")
}

/// What would be markup or end a cell is text.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' | '\n' => escaped.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Of a profile so many functions are shown.
const LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_text() {
        for (text, expected) in [
            ("bulk-up-1: 1.42", "bulk-up-1: 1.42"),
            ("a|b\nc", "a\\|b c"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("TLS_AES * `x` [y]", "TLS\\_AES \\* \\`x\\` \\[y\\]"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
