//! `bench-watchers`: what the rows that only Bulkhead has need inside the lab.
//!
//! `watch CA FILE` watches the CA's feed with the identity of each Workload API socket in FILE (one path a line), and
//! prints `watching N` when all of them have acknowledged what they were told first. `fetch SOCKET FILE` writes key and
//! chain of one of them as PEM. `pour ADDRESS:PORT` sends without end, at a modest pace, to whoever connects. `drink
//! ADDRESS:PORT` reads from there; it prints `flowing` at the first bytes, and at the end whether it was a reset.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use bulkhead_benches::{descriptors, stream, watching, workload_api};
use bulkhead_daemon::version;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the bench, read by its output")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["--version"] {
        println!("bench-watchers {}", version::text(option_env!("BULKHEAD_BUILD_ID")));
        return ExitCode::SUCCESS;
    }
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "the bench waits for these lines")]
fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["watch", ca, file] => watch(ca, Path::new(file)),
        ["fetch", socket, file] => fetch(Path::new(socket), Path::new(file)),
        ["pour", address] => stream::pour(address, || println!("listening on {address}")),
        ["drink", address] => {
            let ended = stream::drink(address, || println!("flowing"))?;
            println!("{ended}");
            Ok(())
        }
        _ => bail!("usage: bench-watchers watch CA FILE | fetch SOCKET FILE | pour ADDRESS:PORT | drink ADDRESS:PORT"),
    }
}

#[allow(clippy::print_stdout, reason = "the bench waits for this line")]
fn watch(ca: &str, file: &Path) -> Result<()> {
    descriptors::raise()?;
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let sockets: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
    runtime()?.block_on(watching::watch_all(ca.to_owned(), sockets, |all| println!("watching {all}")))
}

fn fetch(socket: &Path, file: &Path) -> Result<()> {
    let svid = runtime()?.block_on(workload_api::fetch(socket))?;
    workload_api::write_pem(&svid, file)
}

/// One thread: a thousand watchers must leave the other core to the CA.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
