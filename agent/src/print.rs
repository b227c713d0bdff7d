//! What the agent prints: data to standard output, problems to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the module that prints")]

use std::error::Error;

use bulkhead_daemon::chain;
use serde::Serialize;

use crate::args::Format;
use crate::join::Joined;

/// The outcome of a join.
pub fn joined(joined: &Joined, format: Format) {
    match format {
        Format::Text => println!(
            "{} {}; the certificate lasts until {} and is renewed by `bulkhead-agent run`",
            joined.id,
            if joined.again { "has joined again" } else { "has joined" },
            joined.not_after,
        ),
        Format::Json => println!("{}", to_json(joined)),
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
struct JoinedDocument<'a> {
    id: String,
    not_after: String,
    ca_addresses: &'a [String],
    again: bool,
}

fn to_json(joined: &Joined) -> String {
    let document = JoinedDocument {
        id: joined.id.to_string(),
        not_after: joined.not_after.to_string(),
        ca_addresses: &joined.ca_addresses,
        again: joined.again,
    };
    serde_json::to_string(&document).expect("strings can always be written as JSON")
}
