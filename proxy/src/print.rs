//! What the proxy's commands print: data to standard output, problems to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the module that prints")]

use std::error::Error;

use bulkhead_daemon::chain;
use serde::Serialize;

use crate::command::Format;

/// The rules in place, or that there are none.
pub fn rules(rules: Option<&str>, format: Format) {
    match (format, rules) {
        (Format::Json, rules) => json(&Shown { captured: rules.is_some(), rules }),
        (Format::Text, Some(rules)) => print!("{rules}"),
        (Format::Text, None) => println!("there are no rules: connections of this workload are not captured"),
    }
}

/// Whether there are rules.
pub fn captured(captured: bool, format: Format) {
    match format {
        Format::Json => json(&Checked { captured }),
        Format::Text => println!("{}", if captured { "the rules are in place" } else { "there are no rules" }),
    }
}

/// A problem, what caused it, and on a line of its own what to do.
pub fn problem(error: &dyn Error, hint: Option<&str>) {
    eprintln!("error: {}", chain(error));
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    captured: bool,
    rules: Option<&'a str>,
}

#[derive(Serialize)]
struct Checked {
    captured: bool,
}

fn json(document: &impl Serialize) {
    println!("{}", serde_json::to_string(document).expect("strings and truth values can always be written as JSON"));
}
