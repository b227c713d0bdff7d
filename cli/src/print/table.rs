//! Columns that line up without colour or frames.

use std::fmt::Write as _;

/// A table of a fixed number of columns.
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these words above its columns, and no rows yet.
    pub(super) fn new(heads: [&str; COLUMNS]) -> Self {
        Self { rows: vec![heads.map(String::from)] }
    }

    /// The same table with one more row.
    #[must_use]
    pub(super) fn row(mut self, cells: [String; COLUMNS]) -> Self {
        self.rows.push(cells);
        self
    }

    /// The same table with a row for each of `items`.
    #[must_use]
    pub(super) fn rows<Item>(self, items: &[Item], cells: impl Fn(&Item) -> [String; COLUMNS]) -> Self {
        items.iter().fold(self, |table, item| table.row(cells(item)))
    }

    /// The lines, each as wide as its last cell ends.
    pub(super) fn text(&self) -> String {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| self.width(column));
        self.rows.iter().fold(String::new(), |text, row| text + &line(row, &widths))
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    }
}

/// One thing, a line per property: `name:  value`.
pub(super) fn properties(lines: &[(&str, String)]) -> String {
    let cells = |(name, value): &(&str, String)| [format!("{name}:"), value.clone()];
    let rows: Vec<[String; 2]> = lines.iter().map(cells).collect();
    Table { rows }.text()
}

/// What stands in a cell that has nothing to say, so that columns can be counted.
pub(super) fn or_dash<Value: ToString>(value: Option<Value>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, &width) in row.iter().zip(widths) {
        write!(line, "{cell:width$}  ").expect("a String takes every text");
    }
    line.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_with_their_last_cell() {
        let row = |cells: [&str; 3]| cells.map(String::from);
        let table =
            Table::new(["NAME", "STATE", "SERIAL"]).row(row(["n1", "admitted", "a1"])).row(row(["größe", "x", ""]));
        assert_eq!(table.text(), "NAME   STATE     SERIAL\nn1     admitted  a1\ngröße  x\n");
    }

    #[test]
    fn a_table_without_rows_still_says_what_it_lists() {
        assert_eq!(Table::new(["NAME", "EPOCH"]).text(), "NAME  EPOCH\n");
    }

    #[test]
    fn properties_are_a_line_each() {
        let lines = [("name", "n1".to_owned()), ("clearance", "internal".to_owned())];
        assert_eq!(properties(&lines), "name:       n1\nclearance:  internal\n");
    }
}
