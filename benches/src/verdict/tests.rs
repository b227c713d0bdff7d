use super::*;
use crate::example::{arm, empty, fail, row};
use crate::result::Proof;

/// What the row says with these failures: arm, rounds, sentence, proof.
fn said(row: Row, failures: &[(&str, &[u32], &str, Option<Proof>)]) -> String {
    let mut row = row;
    for (name, rounds, sentence, proof) in failures {
        fail(&mut row, name, rounds, sentence, proof.as_ref());
    }
    let report = Report { rows: vec![row], ..empty() };
    judge(&report)[0].sentences()
}

fn check(row: Row, expected: &str) {
    assert_eq!(said(row, &[]), expected);
}

const TWO: &[f64] = &[2.0, 2.0, 2.0];
const FOUR: &[f64] = &[4.0, 4.1, 4.2];

#[test]
fn a_verdict_says_how_many_times_and_where_there_is_no_difference() {
    use Measure::{GigabytesPerSecond, MegabytesAfterBurst, P99Micros, ProxyMicrosPerOperation};
    let some = [("bulkhead", TWO), ("haproxy", FOUR), ("nginx", &[1.9, 2.0, 2.1]), ("envoy-connect", &[1.0, 1.0, 0.9])];
    check(
        row("connect-16", ProxyMicrosPerOperation, true, &some),
        "Bulkhead's two proxies spend 0.488 times the processor time of HAProxy's (0.476 to 0.500) and 2.00 times Envoy's \
         with HTTP/2 CONNECT (2.00 to 2.22); no difference to nginx (0.952 to 1.05).",
    );
    check(
        row("memory", MegabytesAfterBurst, true, &[("bulkhead", TWO), ("envoy-tls", FOUR), ("relay", FOUR)]),
        "After a burst Bulkhead's two proxies take 0.488 times the memory of the plain relay's (0.476 to 0.500) and 0.488 \
         times Envoy's with TLS per connection (0.476 to 0.500).",
    );
    check(
        row("http-50", P99Micros, true, &[("bulkhead", TWO), ("none", &[1.0, 1.0, 1.0]), ("ztunnel", TWO)]),
        "Bulkhead's 99th percentile of latency is 2.00 times that without a proxy (2.00 to 2.00); no difference to ztunnel (1.00 to 1.00).",
    );
    check(
        row(
            "bulk-up-1",
            GigabytesPerSecond,
            true,
            &[("bulkhead", TWO), ("nginx", TWO), ("relay", TWO), ("haproxy", TWO)],
        ),
        "Throughput: no difference to the plain relay (1.00 to 1.00), HAProxy (1.00 to 1.00) or nginx (1.00 to 1.00).",
    );
}

#[test]
fn an_arm_without_proxies_is_compared_by_what_the_machine_spends() {
    let (proxies, machine) = (Measure::ProxySecondsPerGigabyte, Measure::MachineSecondsPerGigabyte);
    let mut bulk = row("bulk-up-1", proxies, true, &[("bulkhead", TWO), ("none", &[0.0; 3]), ("nginx", FOUR)]);
    for run in &mut bulk.runs {
        let Outcome::Measured(values) = &mut run.outcome else { continue };
        values.insert(machine, if run.arm.0 == "none" { 0.5 } else { 5.0 });
    }
    let expected = "Bulkhead's two proxies spend 0.488 times the processor time of nginx's (0.476 to 0.500). The whole \
                    machine's processor time with Bulkhead is 10.0 times that without a proxy (10.0 to 10.0).";
    assert_eq!(said(bulk.clone(), &[]), expected);
    let report = Report { rows: vec![bulk], ..empty() };
    let verdict = &judge(&report)[0];
    assert_eq!(verdict.arms[1].cell(proxies), Cell::Absent);
    assert_eq!(
        verdict.about(machine).unwrap(),
        "The whole machine's processor time with Bulkhead is 10.0 times that without a proxy (10.0 to 10.0); no \
         difference to nginx (1.00 to 1.00)."
    );
}

#[test]
fn settings_are_compared_with_bulkhead_without_them() {
    let settings = |one: &'static [f64], other: &'static [f64]| {
        let found = [("bulkhead", TWO), ("bulkhead@rules-10000", other), ("bulkhead@rules-100", one)];
        row("rules-connect-16", Measure::ProxyMicrosPerOperation, true, &found)
    };
    let (same, noisy) = (&[1.9, 2.0, 2.1], &[1.76, 2.0, 2.26]);
    check(
        settings(same, &[2.02, 2.04, 2.06]),
        "Flat: processor time of both proxies with 100 rules (0.950 to 1.05) and with 10,000 rules (1.01 to 1.03).",
    );
    check(
        settings(same, noisy),
        "No difference seen: processor time of both proxies with 10,000 rules (0.880 to 1.13); flat with 100 rules (0.950 \
         to 1.05).",
    );
    check(
        settings(noisy, noisy),
        "No difference seen: processor time of both proxies with 100 rules (0.880 to 1.13) and with 10,000 rules (0.880 to \
         1.13).",
    );
    check(
        settings(noisy, FOUR),
        "Not flat: processor time of both proxies is 2.05 times as much (2.00 to 2.10) with 10,000 rules; no difference \
         seen with 100 rules (0.880 to 1.13).",
    );
    check(
        settings(&[1.0; 3], FOUR),
        "Not flat: processor time of both proxies is 0.500 times as much (0.500 to 0.500) with 100 rules and 2.05 times as \
         much (2.00 to 2.10) with 10,000 rules.",
    );
}

#[test]
fn what_is_not_compared_is_told_with_its_spread() {
    let mut revocation =
        row("revocation-100", Measure::MillisToAcknowledgement, false, &[("bulkhead", &[14.2, 13.1, 17.0])]);
    for (run, enforced) in revocation.runs.iter_mut().zip([100.0, 98.0, 100.0]) {
        let Outcome::Measured(values) = &mut run.outcome else { continue };
        values.extend([(Measure::ProxiesExpected, 100.0), (Measure::ProxiesEnforced, enforced)]);
    }
    check(
        revocation,
        "Time from commit to the last acknowledgement: 14.2 ms (13.1 to 17.0 in 3 runs). Proxies that enforced it: 100 (98 \
         to 100 in 3 runs). In 1 of 3 runs a proxy did not enforce it: at worst 98 of 100 did.",
    );
    check(
        row("grpc-capacity", Measure::OperationsPerSecond, false, &[("nginx", TWO), ("haproxy", FOUR)]),
        "Operations a second: HAProxy 4.10/s (4.00 to 4.20 in 3 runs) and nginx 2.00/s (in each of 3 runs).",
    );
}

#[test]
fn an_arm_with_which_the_generator_had_no_time_left_is_named() {
    let mut row = row("http-capacity", Measure::OperationsPerSecond, true, &[("bulkhead", TWO), ("none", FOUR)]);
    for run in row.runs.iter_mut().filter(|run| run.arm.0 == "none") {
        let Outcome::Measured(values) = &mut run.outcome else { continue };
        values.extend([(Measure::GeneratorBusy, 0.97), (Measure::ApplicationBusy, 0.6)]);
    }
    let report = Report { rows: vec![row], ..empty() };
    let said = judge(&report)[0].sentences();
    let limited = "The load generator or the application had no time left with no proxy: more may be possible there.";
    assert!(said.ends_with(limited), "{said}");
}

#[test]
fn failures_make_an_error_or_a_note() {
    let legible = Some(Proof { packets: 200, captured: 200, legible: true, tls_records: 1, begun_without_tls: 0 });
    let encrypted = Some(Proof { packets: 200, captured: 200, legible: false, tls_records: 30, begun_without_tls: 0 });
    let bulk = |runs: usize| {
        let values = vec![2.0; runs];
        row("bulk-up-1", Measure::GigabytesPerSecond, true, &[("bulkhead", &values), ("nginx", &values)])
    };
    for (runs, failures, expected) in [
        (
            5,
            ("nginx", &[4][..], encrypted.clone()),
            "Throughput: no difference to nginx (1.00 to 1.00). Of nginx 1 of 5 runs failed: it broke.",
        ),
        (
            5,
            ("nginx", &[4], None),
            "Throughput: no difference to nginx (1.00 to 1.00). Of nginx 1 of 5 runs failed: it broke.",
        ),
        (5, ("nginx", &[0], legible.clone()), "No figure of nginx: 1 of 5 runs failed: it broke."),
        (5, ("nginx", &[0, 1, 2], None), "No figure of nginx: 3 of 5 runs failed: it broke."),
        (3, ("nginx", &[0], None), "No figure of nginx: 1 of 3 runs failed: it broke."),
        (
            5,
            ("bulkhead", &[1], None),
            "Throughput: no difference to nginx (1.00 to 1.00). Of Bulkhead 1 of 5 runs failed: it broke.",
        ),
        (5, ("bulkhead", &[1], legible), "No figure of Bulkhead: 1 of 5 runs failed: it broke."),
        (3, ("bulkhead", &[0, 1, 2], None), "No figure of Bulkhead: 3 of 3 runs failed: it broke."),
    ] {
        let (name, rounds, proof) = failures;
        assert_eq!(said(bulk(runs), &[(name, rounds, "it broke.", proof)]), expected, "{name} {rounds:?} of {runs}");
    }
}

#[test]
fn a_pair_exists_only_where_both_were_measured() {
    let values = vec![2.0; 7];
    let mut bulk = row("bulk-up-1", Measure::GigabytesPerSecond, true, &[("bulkhead", &values), ("nginx", &values)]);
    fail(&mut bulk, "bulkhead", &[0], "it broke", None);
    fail(&mut bulk, "nginx", &[1, 2], "it broke", None);
    let report = Report { rows: vec![bulk.clone()], ..empty() };
    let figure = judge(&report)[0].arms[1].figure(Measure::GigabytesPerSecond).unwrap().clone();
    assert_eq!((figure.runs, figure.against.unwrap().pairs), (5, 4));
    // One pair less, and what is left is half of the rounds or less, though nginx itself was measured five times.
    fail(&mut bulk, "bulkhead", &[3], "it broke", None);
    let report = Report { rows: vec![bulk], ..empty() };
    assert!(matches!(judge(&report)[0].arms[1].cell(Measure::GigabytesPerSecond), Cell::Error(_)));
}

#[test]
fn an_arm_that_failed_more_often_than_not_is_an_error_and_nothing_is_compared_with_it() {
    let (values, throughput) = (vec![2.0; 15], Measure::GigabytesPerSecond);
    for (broken, failed, of_nginx) in [
        ("nginx", 7, "Throughput: no difference to nginx (1.00 to 1.00). Of nginx 7 of 15 runs failed: it broke."),
        ("nginx", 8, "No figure of nginx: 8 of 15 runs failed: it broke."),
        ("bulkhead", 8, "No figure of Bulkhead: 8 of 15 runs failed: it broke."),
    ] {
        let mut bulk = row("bulk-up-1", throughput, true, &[("bulkhead", &values), ("nginx", &values)]);
        fail(&mut bulk, broken, &(0..failed).collect::<Vec<_>>(), "it broke", None);
        let report = Report { rows: vec![bulk], ..empty() };
        let verdict = &judge(&report)[0];
        assert_eq!(verdict.sentences(), of_nginx);
        let figure = verdict.arms[1].figure(throughput);
        assert_eq!(figure.is_some_and(|figure| figure.against.is_some()), failed == 7, "{broken} {failed}");
    }
}

#[test]
fn fewer_than_three_runs_are_never_a_figure() {
    let throughput = Measure::GigabytesPerSecond;
    for (runs, expected) in [
        (1, "Too few runs of Bulkhead. Too few runs of nginx."),
        (2, "Too few runs of Bulkhead. Too few runs of nginx."),
    ] {
        let values = vec![2.0; runs];
        let bulk = row("bulk-up-1", throughput, true, &[("bulkhead", &values), ("nginx", &values)]);
        check(bulk.clone(), expected);
        let report = Report { rows: vec![bulk], ..empty() };
        assert!(judge(&report)[0].arms.iter().all(|verdict| verdict.cell(throughput) == Cell::TooFew(runs)));
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let throughput = Measure::GigabytesPerSecond;
    check(row("bulk-up-1", throughput, true, &[("bulkhead", TWO), ("nginx", &[0.0, 0.0, 0.0])]), "No ratio to nginx.");
    check(row("bulk-up-1", throughput, true, &[("nginx", TWO)]), "Bulkhead was not run, so nothing is compared.");
    check(row("bulk-up-1", throughput, true, &[]), "Nothing was measured.");
}

#[test]
fn every_judgement_of_the_same_report_is_the_same() {
    let report = crate::example::short();
    let said = |report| judge(report).iter().map(RowVerdict::sentences).collect::<Vec<_>>();
    assert_eq!(said(&report), said(&report));
}

#[test]
fn bulkhead_stands_first_and_settings_last() {
    let found = [("bulkhead@rules-100", TWO), ("zproxy", TWO), ("bulkhead", TWO), ("none", TWO)];
    let report = Report { rows: vec![row("x", Measure::P50Micros, true, &found)], ..empty() };
    let arms: Vec<_> = judge(&report)[0].arms.iter().map(|verdict| verdict.arm.clone()).collect();
    assert_eq!(arms, ["bulkhead", "none", "zproxy", "bulkhead@rules-100"].map(arm));
}
