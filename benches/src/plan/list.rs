//! A plan in words, for `--list`.

use std::fmt::Write as _;

use super::{Plan, PlannedRow};

/// Every row with its arms, its rounds and how long it takes; the sum at the end.
pub fn text(plan: &Plan) -> String {
    let arms = plan.arms.iter().map(|arm| arm.name.to_string()).collect::<Vec<_>>().join(", ");
    let mut text = format!("arms: {arms}\n\n");
    let width = plan.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for (index, row) in plan.rows.iter().enumerate() {
        line(&mut text, row, width, plan.row_seconds(index));
    }
    for profile in &plan.profiles {
        let (row, time) = (&profile.row, minutes(profile.seconds()));
        writeln!(text, "profile of {row}: {time}").expect("writing to a String cannot fail");
    }
    let (rows, minutes) = (plan.rows.len(), minutes(plan.seconds()));
    writeln!(text, "\n{rows} rows, about {minutes}").expect("writing to a String cannot fail");
    text
}

fn line(text: &mut String, row: &PlannedRow, width: usize, seconds: f64) {
    let (name, rounds, arms, time) = (&row.name, row.rounds, row.arms.len(), minutes(seconds));
    writeln!(text, "{name:width$}  {rounds:>2} x {arms}  {time:>8}  {}", row.title)
        .expect("writing to a String cannot fail");
}

/// Minutes and seconds as people say them: `4 min`, `35 s`.
pub(crate) fn minutes(seconds: f64) -> String {
    if seconds >= 100.0 { format!("{:.0} min", seconds / 60.0) } else { format!("{seconds:.0} s") }
}
