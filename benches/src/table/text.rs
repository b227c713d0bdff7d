//! The table for a terminal: aligned columns, at most [`WIDTH`] wide.

use std::iter;

use crate::profile::{Function, LEGEND as LEGEND_OF_PROFILES, Profile, percent};
use crate::result::Report;
use crate::table::matrix::{Line, Matrix, Text};
use crate::table::{LEGEND, SETTINGS_LEGEND, head, machine, matrices, runs};
use crate::verdict::{Kind, RowVerdict, judge};

/// A line is at most so long, in characters.
const WIDTH: usize = 140;
const GAP: usize = 2;
/// Of a profile so many functions are shown.
const LINES: usize = 12;

/// The whole result for a terminal.
pub fn text(report: &Report) -> String {
    let rows = judge(report);
    let [leading, further] = matrices(&rows);
    let mut parts: Vec<_> =
        report.warnings.iter().map(|warning| folded(&format!("Warning: {warning}"), "  ")).collect();
    parts.extend([folded(&head(report), "  "), folded(LEGEND, "")]);
    parts.extend(leading.iter().map(drawn));
    parts.extend(rows.iter().map(said));
    parts.extend((!further.is_empty()).then(|| "Further measures\n".into()));
    parts.extend(further.iter().map(drawn));
    parts.extend(profiles(report));
    parts.push(folded(&format!("{}. {}", runs(report), machine(report)), "  "));
    parts.join("\n")
}

/// A verdict, folded.
fn said(row: &RowVerdict<'_>) -> String {
    folded(&format!("{}: {}", row.row.name, row.sentences()), "  ")
}

fn profiles(report: &Report) -> Option<String> {
    let one = |profile: &Profile| {
        let places = folded(&format!("{}: {}", profile.row, profile.places_in_words()), "  ");
        let line = |function: &Function| {
            let share = percent(function.share);
            cut(&format!("  {share:>7}  {:<24}  {}", function.object, function.symbol)) + "\n"
        };
        places + &profile.first(LINES).iter().map(line).collect::<String>()
    };
    let all: Vec<_> = report.profiles.iter().map(one).collect();
    (!all.is_empty())
        .then(|| folded(&format!("Where Bulkhead's cycles go. {LEGEND_OF_PROFILES}"), "") + "\n" + &all.join("\n"))
}

/// As much of a line as fits.
fn cut(line: &str) -> String {
    line.chars().take(WIDTH).collect()
}

fn drawn(matrix: &Matrix) -> String {
    let legend = if matrix.kind == Kind::Settings { format!(" ({SETTINGS_LEGEND})") } else { String::new() };
    let blocks = blocks(matrix).into_iter().map(|columns| block(matrix, &columns));
    iter::once(folded(&format!("{}{legend}", matrix.title), "")).chain(blocks).collect::<Vec<_>>().join("\n")
}

/// The columns, in as many blocks as the width asks for. The first, Bulkhead's, stands in each.
fn blocks(matrix: &Matrix) -> Vec<Vec<usize>> {
    let first = label_width(matrix) + GAP + width(matrix, 0);
    let mut blocks: Vec<Vec<usize>> = vec![vec![0]];
    let mut used = first;
    for column in 1..matrix.columns.len() {
        let wide = GAP + width(matrix, column);
        if used + wide > WIDTH {
            blocks.push(vec![0]);
            used = first;
        }
        used += wide;
        blocks.last_mut().into_iter().for_each(|block| block.push(column));
    }
    blocks
}

fn block(matrix: &Matrix, columns: &[usize]) -> String {
    let head = columns.iter().map(|column| matrix.columns[*column].as_str()).collect::<Vec<_>>();
    let mut text = one_line(matrix, columns, "", &head);
    for line in &matrix.lines {
        text.push_str(&lines(matrix, columns, line));
    }
    text
}

/// The row's name with the figures; beneath, its measure with the ratios; beneath, its runs with the intervals; beneath,
/// what is noted of them.
fn lines(matrix: &Matrix, columns: &[usize], line: &Line) -> String {
    let part = |of: fn(&Text) -> &str| columns.iter().map(|column| of(&line.cells[*column])).collect::<Vec<_>>();
    let notes = columns.iter().map(|column| line.cells[*column].notes.len()).max().unwrap_or(0);
    let beneath = |note: usize| {
        let cells = columns.iter().map(|column| line.cells[*column].notes.get(note).map_or("", String::as_str));
        one_line(matrix, columns, "", &cells.collect::<Vec<_>>())
    };
    let three = [
        one_line(matrix, columns, &line.row, &part(|cell| &cell.figure)),
        one_line(matrix, columns, &format!("  {}", line.measure), &part(|cell| cell.ratio.as_deref().unwrap_or(""))),
        one_line(matrix, columns, &format!("  {}", line.runs), &part(|cell| cell.interval.as_deref().unwrap_or(""))),
    ];
    three.into_iter().chain((0..notes).map(beneath)).collect()
}

fn one_line(matrix: &Matrix, columns: &[usize], label: &str, cells: &[&str]) -> String {
    let cells = columns
        .iter()
        .zip(cells)
        .map(|(column, cell)| format!("{}{}", " ".repeat(GAP), padded(cell, width(matrix, *column))));
    let line = format!("{}{}", padded(label, label_width(matrix)), cells.collect::<String>());
    format!("{}\n", line.trim_end())
}

fn label_width(matrix: &Matrix) -> usize {
    let labels =
        matrix.lines.iter().map(|line| letters(&line.row).max(2 + letters(&line.measure)).max(2 + letters(&line.runs)));
    labels.max().unwrap_or(0)
}

fn width(matrix: &Matrix, column: usize) -> usize {
    let cells = matrix.lines.iter().map(|line| cell_width(&line.cells[column]));
    cells.chain([letters(&matrix.columns[column])]).max().unwrap_or(0).min(WIDTH / 3)
}

fn cell_width(cell: &Text) -> usize {
    let others = [&cell.ratio, &cell.interval].into_iter().flatten().chain(&cell.notes);
    others.chain([&cell.figure]).map(|text| letters(text)).max().unwrap_or(0)
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// `text` with spaces after it, cut where it is too long.
fn padded(text: &str, width: usize) -> String {
    let cut: String = text.chars().take(width).collect();
    format!("{cut:width$}")
}

/// `text` in lines of at most [`WIDTH`], broken between words, each but the first after `indent`; one word is never
/// broken.
fn folded(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| letters(line));
        if line > 0 && line + 1 + letters(word) > WIDTH {
            lines.push(indent.to_owned() + word);
        } else if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_folded_between_words() {
        let text = folded(&"word ".repeat(60), "  ");
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word")));
        assert_eq!(text.split_whitespace().count(), 60);
    }

    #[test]
    fn a_word_longer_than_a_line_stays_whole() {
        let word = "w".repeat(WIDTH + 5);
        assert_eq!(folded(&word, "  "), format!("{word}\n"));
    }
}
