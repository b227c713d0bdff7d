//! From what a load generator counted to the figures of a run, or to the reason why there are none. Pure.

use std::collections::BTreeMap;

use bulkhead_measure::work::Pace;
use bulkhead_measure::{Latency, Sample, Work};

use crate::result::Measure;

/// The figures of one run. The last process that was watched is the application; without another there are no figures
/// of proxies.
pub(super) fn figures(work: Work, sample: &Sample) -> Result<BTreeMap<Measure, f64>, String> {
    has_time(sample)?;
    // First: what is late is also counted as failed, and says less.
    if let Work::Http { pace, .. } | Work::Grpc { pace, .. } = work {
        kept_up(pace, sample)?;
    }
    few_failures(sample)?;
    let mut figures = if let Work::Bulk { .. } = work { per_gigabyte(sample) } else { per_operation(sample) }?;
    figures.extend(circumstances(sample));
    Ok(figures)
}

/// What limits the figures beside the arm.
fn circumstances(sample: &Sample) -> impl Iterator<Item = (Measure, f64)> {
    let application = sample.watched.last().map(|spent| (Measure::ApplicationBusy, spent / sample.seconds));
    let failed = (sample.failures > 0).then(|| (Measure::FailedOperations, count(sample.failures)));
    [(Measure::GeneratorBusy, sample.own / sample.seconds)].into_iter().chain(application).chain(failed)
}

fn has_time(sample: &Sample) -> Result<(), String> {
    if sample.seconds > 0.0 { Ok(()) } else { Err("the load generator measured no time".to_owned()) }
}

fn few_failures(sample: &Sample) -> Result<(), String> {
    let all = sample.operations + sample.failures;
    // Bulk counts no operations, so that a single broken connection is too many.
    if sample.failures.saturating_mul(FAILURES_ARE_ONE_IN) <= all {
        return Ok(());
    }
    let first = sample.first_failure.as_deref().unwrap_or("it did not say which");
    let of = if sample.operations == 0 { String::new() } else { format!(" of {all}") };
    Err(format!("{}{of} operations failed; the first: {first}", sample.failures))
}

fn kept_up(pace: Pace, sample: &Sample) -> Result<(), String> {
    let Pace::PerSecond(rate) = pace else { return Ok(()) };
    let answered = count(sample.operations) / sample.seconds;
    if answered >= KEEPS_UP * f64::from(rate) {
        return Ok(());
    }
    Err(format!("it could not keep up: {answered:.0} of {rate} requests a second were answered"))
}

fn per_gigabyte(sample: &Sample) -> Result<BTreeMap<Measure, f64>, String> {
    if sample.bytes == 0 {
        return Err("no byte came through".to_owned());
    }
    let gigabytes = count(sample.bytes) / 1e9;
    let mut figures = BTreeMap::from([
        (Measure::MachineSecondsPerGigabyte, sample.machine / gigabytes),
        (Measure::GigabytesPerSecond, gigabytes / sample.seconds),
    ]);
    if let Some(spent) = proxies(sample) {
        figures.insert(Measure::ProxySecondsPerGigabyte, spent / gigabytes);
    }
    Ok(figures)
}

fn per_operation(sample: &Sample) -> Result<BTreeMap<Measure, f64>, String> {
    if sample.operations == 0 {
        return Err(format!("no operation ended within {:.1} s", sample.seconds));
    }
    let operations = count(sample.operations);
    let mut figures = BTreeMap::from([
        (Measure::MachineMicrosPerOperation, 1e6 * sample.machine / operations),
        (Measure::OperationsPerSecond, operations / sample.seconds),
    ]);
    if let Some(spent) = proxies(sample) {
        figures.insert(Measure::ProxyMicrosPerOperation, 1e6 * spent / operations);
    }
    // What failed has no latency, and is of the slowest: without it a percentile would be too good.
    let complete = sample.latency.iter().filter(|_| sample.failures == 0);
    figures.extend(complete.flat_map(percentiles));
    Ok(figures)
}

fn percentiles(latency: &Latency) -> [(Measure, f64); 3] {
    let micros = |nanos: u64| count(nanos) / 1e3;
    [
        (Measure::P50Micros, micros(latency.p50)),
        (Measure::P99Micros, micros(latency.p99)),
        (Measure::P999Micros, micros(latency.p999)),
    ]
}

/// What all watched processes but the application spent; none where there is no other.
fn proxies(sample: &Sample) -> Option<f64> {
    let (_application, proxies) = sample.watched.split_last()?;
    (!proxies.is_empty()).then(|| proxies.iter().sum())
}

#[allow(clippy::cast_precision_loss, reason = "a count above 2^53 would take years")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

/// One failure in so many operations is kept; more make the run an error.
const FAILURES_ARE_ONE_IN: u64 = 1000;
/// The share of the intended requests that must have been answered in time.
const KEEPS_UP: f64 = 0.95;

#[cfg(test)]
mod tests;
