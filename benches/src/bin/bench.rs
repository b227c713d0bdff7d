//! `bench`: what `make bench` runs; see `bench --help`.

use std::process::ExitCode;

use anyhow::Result;
use bulkhead_benches::options::Options;
use bulkhead_benches::runner::bench::{self, Ended};
use bulkhead_benches::{plan, table};
use bulkhead_lab::LabError;
use clap::Parser as _;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (&options.report, options.list) {
        (Some(earlier), _) => bench::render(earlier, options.publish.as_deref()).map(|ended| show(&ended)),
        (None, true) => list(&options),
        (None, false) => bench::run(&options).map(|ended| show(&ended)),
    };
    done.unwrap_or_else(|error| complain(&error))
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the plan is what was asked for")]
fn list(options: &Options) -> Result<ExitCode> {
    let (plan, warnings) = bench::plan(options)?;
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    print!("{}", plan::list(&plan));
    Ok(ExitCode::SUCCESS)
}

/// The table is data; where it was written, and what went wrong, is not.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what was asked for")]
fn show(ended: &Ended) -> ExitCode {
    println!("{}", table::text(&ended.report));
    for file in &ended.files {
        eprintln!("written: {}", file.display());
    }
    let without = ended.without_figure();
    for (row, arm) in &without {
        eprintln!("error: `{arm}` has no figure in `{row}`: each of its runs failed, as the result says");
    }
    if ended.interrupted {
        return ExitCode::from(130); // As a shell says that SIGINT ended a program.
    }
    if without.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stderr, reason = "the last word of a program that cannot go on")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("{error:#}");
    if let Some(hint) = error.downcast_ref::<LabError>().and_then(LabError::hint) {
        eprintln!("{hint}");
    }
    ExitCode::FAILURE
}
