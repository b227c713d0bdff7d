//! Where the cycles of Bulkhead's proxies go, by function: `perf` looks at both while they carry a load.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

mod place;

use place::place;

use crate::program;

/// What was seen under one kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The row whose work was done meanwhile.
    pub row: String,
    /// How often `perf` looked.
    pub samples: u64,
    /// Functions and their shares of all samples, 0 to 1, largest first; those below a thousandth are left out.
    pub functions: Vec<Function>,
    /// The same by what the time was spent for, in the words of the module `place`.
    pub places: BTreeMap<String, f64>,
}

/// One function's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Share of all samples, 0 to 1.
    pub share: f64,
    /// The file that it is in: the proxy, the kernel, libc.
    pub object: String,
    /// Its name.
    pub symbol: String,
}

impl Profile {
    /// What the time was spent for, largest first, in one line; parts below a hundredth are left out.
    pub fn places_in_words(&self) -> String {
        let mut places: Vec<_> = self.places.iter().filter(|(_, share)| **share >= 0.01).collect();
        places.sort_by(|one, other| other.1.total_cmp(one.1));
        places.iter().map(|(place, share)| format!("{place} {}", percent(**share))).collect::<Vec<_>>().join(", ")
    }

    /// The first lines by function.
    pub fn first(&self, lines: usize) -> &[Function] {
        &self.functions[..self.functions.len().min(lines)]
    }
}

/// A share as people read it, `12.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// What must be known to read a profile.
pub const LEGEND: &str = "Both proxies together, seen some 2,000 times a second of processor time. A function has the \
time that it spent itself, not what it called.";

/// Whether `perf` is there and may look; else a sentence that says what to do.
pub fn is_possible() -> Result<(), String> {
    let hint = "there will be no profile: install Debian's linux-perf, and run as root or with kernel.perf_event_paranoid at most 1";
    let tried = program::output(Command::new("perf").args(["stat", "-e", "cpu-clock", "true"]), GRACE);
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(hint.to_owned()),
    }
}

/// Looks at these processes for so long. Somebody else keeps them busy meanwhile.
pub fn record(row: &str, pids: &[u32], duration: Duration, scratch: &Path) -> Result<Profile> {
    let data = scratch.join(format!("{row}.perf"));
    let pids = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let seconds = duration.as_secs_f64().to_string();
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "-e", "cpu-clock", "-F", FREQUENCY, "-p", &pids, "-o"]).arg(&data);
    output(perf.args(["--", "sleep", &seconds]), duration + GRACE)?;
    let mut report = Command::new("perf");
    report.args([
        "report",
        "--stdio",
        "--quiet",
        "--no-children",
        "--show-nr-samples",
        "-F",
        "overhead,sample,dso,symbol",
    ]);
    let text = output(report.args(["-w", "0,0,0,0", "-t", ";", "-i"]).arg(&data), TO_REPORT)?;
    let (samples, functions) = read(&text)?;
    Ok(Profile { row: row.to_owned(), samples, places: by_place(&functions), functions: worth_a_line(functions) })
}

fn output(command: &mut Command, deadline: Duration) -> Result<String> {
    let output = program::output(command, deadline)?;
    if !output.status.success() {
        bail!("perf ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The lines of a report, `overhead;samples;object;symbol`. Shares are counted anew from the samples, for perf rounds.
fn read(text: &str) -> Result<(u64, Vec<Function>)> {
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let mut parts = line.splitn(4, ';').map(str::trim);
        let (_overhead, samples, object, symbol) = (parts.next(), parts.next(), parts.next(), parts.next());
        let samples: u64 = samples.and_then(|text| text.parse().ok()).with_context(|| unreadable(line))?;
        lines.push((samples, object.with_context(|| unreadable(line))?, symbol.with_context(|| unreadable(line))?));
    }
    let all: u64 = lines.iter().map(|(samples, ..)| samples).sum();
    if all == 0 {
        bail!("perf saw the proxies do nothing");
    }
    let function = |(samples, object, symbol): (u64, &str, &str)| Function {
        share: share(samples, all),
        object: object.to_owned(),
        symbol: bare(symbol).to_owned(),
    };
    Ok((all, lines.into_iter().map(function).collect()))
}

fn unreadable(line: &str) -> String {
    format!("perf printed a line that is not `overhead;samples;object;symbol`: {line}")
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all as f64
}

/// Without `[k] ` or `[.] ` in front, and without the hash that Rust's compiler puts behind.
fn bare(symbol: &str) -> &str {
    let symbol = symbol.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(symbol, |(_, name)| name);
    match symbol.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => symbol,
    }
}

fn by_place(functions: &[Function]) -> BTreeMap<String, f64> {
    let mut places = BTreeMap::new();
    for function in functions {
        *places.entry(place(&function.object, &function.symbol).to_owned()).or_insert(0.0) += function.share;
    }
    places
}

fn worth_a_line(mut functions: Vec<Function>) -> Vec<Function> {
    functions.retain(|function| function.share >= 0.001);
    functions.sort_by(|one, other| other.share.total_cmp(&one.share).then_with(|| one.symbol.cmp(&other.symbol)));
    functions
}

/// A prime, so that it does not beat with what happens every millisecond.
const FREQUENCY: &str = "1999";
/// What perf may take beside its work.
const GRACE: Duration = Duration::from_secs(30);
/// It reads the symbols of the kernel and of the proxies.
const TO_REPORT: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_whatever_its_symbols_contain() {
        let text = "# comment\n\n 60.00%;30;[kernel.kallsyms];[k] copy_user\n40.00%;20;bulkhead-proxy;[.] <a::B as c::D>::e::h0123456789abcdef\n";
        let (samples, functions) = read(text).unwrap();
        assert_eq!(samples, 50);
        assert_eq!(functions[0], function(0.6, "[kernel.kallsyms]", "copy_user"));
        assert_eq!(functions[1], function(0.4, "bulkhead-proxy", "<a::B as c::D>::e"));
    }

    #[test]
    fn a_line_of_another_form_is_an_error_that_quotes_it() {
        let error = read("50%;many;x;y").unwrap_err().to_string();
        assert!(error.contains("50%;many;x;y"), "{error}");
    }

    #[test]
    fn nothing_seen_is_an_error() {
        assert!(read("# nothing\n").is_err());
    }

    #[test]
    fn what_is_small_has_no_line_but_counts_in_its_place() {
        let all = vec![function(0.0005, "libc.so.6", "malloc"), function(0.9995, "bulkhead-proxy", "rustls::x")];
        assert!((by_place(&all)["memory"] - 0.0005).abs() < 1e-9);
        assert_eq!(worth_a_line(all).len(), 1);
    }

    #[test]
    fn the_places_are_told_from_the_largest_down() {
        let places = [("TLS", 0.2), ("kernel: network", 0.795), ("other", 0.005)];
        let places = places.map(|(place, share)| (place.to_owned(), share)).into();
        let profile = Profile { row: "connect-16".to_owned(), samples: 9, functions: Vec::new(), places };
        assert_eq!(profile.places_in_words(), "kernel: network 79.5 %, TLS 20.0 %");
        assert!(profile.first(5).is_empty());
    }

    fn function(share: f64, object: &str, symbol: &str) -> Function {
        Function { share, object: object.to_owned(), symbol: symbol.to_owned() }
    }
}
