//! Shows records: tables and sentences for people, JSON for programs. Data goes to stdout, everything else to stderr.

mod count;
mod node;
mod policy;
mod revocation;
mod service;
mod status;
mod table;
mod token;
mod workload;

use std::error::Error;
use std::io::{self, Write};
use std::iter::successors;

use clap::ValueEnum;
use serde::Serialize;

use crate::CliError;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned columns and sentences, for people; their form may change.
    #[default]
    Table,
    /// JSON, for programs; its form is stable.
    Json,
}

/// What can be shown.
pub trait Shown: Serialize {
    /// The text for people, each line ended.
    fn text(&self) -> String;
}

/// Writes `shown` to stdout.
pub fn data(output: Output, shown: &(impl Shown + ?Sized)) -> Result<(), CliError> {
    write(&mut io::stdout().lock(), output, shown).map_err(CliError::Stdout)
}

/// Says something that is not data.
pub fn note(text: &str) {
    // When nobody reads stderr any more, there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why a command failed: the error, what lies beneath it, and what to do, each on a line of its own.
pub fn error(error: &CliError) {
    note(&explain(error));
}

fn write(to: &mut impl Write, output: Output, shown: &(impl Shown + ?Sized)) -> io::Result<()> {
    let text = match output {
        Output::Table => shown.text(),
        Output::Json => serde_json::to_string_pretty(shown)? + "\n",
    };
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        // `bulkhead node list | head -1` has read what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn explain(error: &CliError) -> String {
    let causes = successors(error.source(), |&cause| cause.source()).map(|cause| format!("\n  because: {cause}"));
    let hint = error.hint().map(|hint| format!("\nhint: {hint}"));
    format!("error: {error}") + &causes.chain(hint).collect::<String>()
}
