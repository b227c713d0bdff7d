//! What a sample says, and what it does not.

use bulkhead_measure::work::Direction;

use super::*;

#[test]
fn figures_are_of_what_came_through() {
    let bulk = Work::Bulk { direction: Direction::Down, connections: 4 };
    //    work                                sample                               figures
    check(
        bulk,
        &sample(),
        &[
            (Measure::ProxySecondsPerGigabyte, 1.5),
            (Measure::MachineSecondsPerGigabyte, 2.0),
            (Measure::GigabytesPerSecond, 1.0),
        ],
    );
    check(
        bulk,
        &Sample { watched: vec![1.8], ..sample() },
        &[(Measure::MachineSecondsPerGigabyte, 2.0), (Measure::GigabytesPerSecond, 1.0)],
    );
    check(
        Work::PingPong { connections: 1 },
        &sample(),
        &[
            (Measure::ProxyMicrosPerOperation, 150.0),
            (Measure::MachineMicrosPerOperation, 200.0),
            (Measure::OperationsPerSecond, 10_000.0),
            (Measure::P50Micros, 90.0),
            (Measure::P99Micros, 250.0),
            (Measure::P999Micros, 1200.5),
        ],
    );
    check(
        Work::Connect { parallel: 16 },
        &Sample { latency: None, watched: vec![1.8], ..sample() },
        &[(Measure::MachineMicrosPerOperation, 200.0), (Measure::OperationsPerSecond, 10_000.0)],
    );
}

/// Besides these the generator was busy for a quarter of the time, and the application for nine tenths.
fn check(work: Work, sample: &Sample, expected: &[(Measure, f64)]) {
    let expected = [expected, &[(Measure::GeneratorBusy, 0.25), (Measure::ApplicationBusy, 0.9)]].concat();
    let found = figures(work, sample).unwrap();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (measure, value) in &expected {
        let there = found[measure];
        assert!((there - value).abs() < 1e-9 * value, "{measure:?}: {there} instead of {value}");
    }
}

#[test]
fn what_is_no_figure_is_a_sentence() {
    let (bulk, ping) = (Work::Bulk { direction: Direction::Up, connections: 1 }, Work::PingPong { connections: 1 });
    let reset = Some("connection reset".to_owned());
    let broken = Sample { failures: 21, first_failure: reset.clone(), ..sample() };
    check_refused(ping, &broken, "21 of 20021 operations failed; the first: connection reset");
    let bulk_broken = Sample { operations: 0, failures: 1, first_failure: reset, ..sample() };
    check_refused(bulk, &bulk_broken, "1 operations failed; the first: connection reset");
    check_refused(bulk, &Sample { bytes: 0, operations: 0, ..sample() }, "no byte came through");
    check_refused(ping, &Sample { operations: 0, ..sample() }, "no operation ended within 2.0 s");
    check_refused(ping, &Sample { seconds: 0.0, ..sample() }, "the load generator measured no time");
    let late = "it could not keep up: 10000 of 10600 requests a second were answered";
    check_refused(Work::Http { connections: 32, pace: Pace::PerSecond(10_600) }, &sample(), late);
    check_refused(Work::Grpc { connections: 4, pace: Pace::PerSecond(10_600) }, &sample(), late);
}

fn check_refused(work: Work, sample: &Sample, expected: &str) {
    assert_eq!(figures(work, sample).unwrap_err(), expected);
}

#[test]
fn one_failure_in_a_thousand_is_kept() {
    let some = Sample { failures: 20, ..sample() };
    let found = figures(Work::Connect { parallel: 16 }, &some).unwrap();
    assert!((found[&Measure::FailedOperations] - 20.0).abs() < 1e-9);
    let percentiles = [Measure::P50Micros, Measure::P99Micros, Measure::P999Micros];
    assert!(percentiles.iter().all(|measure| !found.contains_key(measure)), "the slowest are missing in them");
}

#[test]
fn requests_that_were_nearly_all_answered_are_a_figure() {
    let pace = Pace::PerSecond(10_500);
    figures(Work::Http { connections: 32, pace }, &sample()).unwrap();
}

/// 2 GB and 20,000 operations in 2 s, for which proxies spent 3 s, the application 1.8 s and the machine 4 s.
fn sample() -> Sample {
    let (p50, p99, p999) = (90_000, 250_000, 1_200_500);
    let latency = Latency { count: 20_000, p50, p90: 120_000, p99, p999, max: 9_000_000 };
    Sample {
        seconds: 2.0,
        operations: 20_000,
        bytes: 2_000_000_000,
        failures: 0,
        first_failure: None,
        watched: vec![1.0, 2.0, 1.8],
        own: 0.5,
        machine: 4.0,
        steal: 0.0,
        latency: Some(latency),
    }
}
