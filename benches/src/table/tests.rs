use super::*;
use crate::example;
use crate::result::Measure;

fn small() -> Report {
    let proxies = Measure::ProxySecondsPerGigabyte;
    let found: [(&str, &[f64]); 4] = [
        ("nginx", &[2.0, 2.1, 2.2]),
        ("bulkhead", &[1.0, 1.01, 1.02]),
        ("relay", &[1.0, 1.0, 1.1]),
        ("a|proxy", &[5.0, 5.0, 5.0]),
    ];
    let mut bulk = example::row("bulk-up-1", proxies, true, &found);
    example::fail(&mut bulk, "nginx", &[1], "the proxy <ended>", None);
    let revocation: [(&str, &[f64]); 1] = [("bulkhead", &[12.0, 14.0, 13.0])];
    let revocation = example::row("revocation-100", Measure::MillisToAcknowledgement, false, &revocation);
    let warnings = vec!["the machine was busy".to_owned()];
    Report { warnings, rows: vec![bulk, revocation], ..example::empty() }
}

#[test]
fn a_terminal_shows_warnings_table_verdicts_and_machine() {
    assert_eq!(
        text(&small()),
        "\
Warning: the machine was busy

Bulkhead 0.1.0 (9f3c2a1b5d7e8f60), 2026-11-24 20:45:00 UTC, 108 minutes, ARMS=all, QUICK=0

Medians. Beneath each: Bulkhead's figure divided by the arm's, the median of the ratios of all rounds, and between what that median lies
with at least 95 % confidence: of 15 pairs from the fourth lowest ratio to the fourth highest, of 8 or fewer all of them (of 5 that is 93 %
sure, of 4 87 %, of 3 75 %). A ratio whose interval holds 1 is no difference: these runs show none, which does not prove that there is none.
Of hundreds of intervals some leave 1 out by chance alone: one in twenty at 95 %, one in four at 75 %. Less is better, except for throughput
and operations a second.

Bulkhead beside others

                        Bulkhead  plain relay    nginx  a|proxy
bulk-up-1               1.01      1.00           error  5.00
  CPU of proxies, s/GB            × 1.00                × 0.202
  3 runs (75 %)                   0.927 to 1.01         0.200 to 0.204
                                  no difference

Not compared

                          Bulkhead
revocation-100            13.0
  to acknowledgement, ms
  3 runs

bulk-up-1: Bulkhead's two proxies spend 0.202 times the processor time of a|proxy's (0.200 to 0.204); no difference to the plain relay
  (0.927 to 1.01). No figure of nginx: 1 of 3 runs failed: the proxy <ended>.

revocation-100: Time from commit to the last acknowledgement: 13.0 ms (12.0 to 14.0 in 3 runs).

15 runs, all of them kept; 1 failed. AMD EPYC 9B45, 2 cores, 8.3 GB of memory, Linux 6.18.5; congestion control cubic; load 0.42 before, 1.3
  % of its time taken by its host meanwhile
"
    );
}

#[test]
fn a_cell_of_fewer_pairs_than_rounds_says_how_sure_it_is() {
    let found: [(&str, &[f64]); 2] = [("bulkhead", &[1.0; 6]), ("nginx", &[2.0; 6])];
    for (failed, expected) in [(&[][..], &[][..]), (&[2], &["5 of 6 pairs, 93 %"]), (&[2, 4], &["4 of 6 pairs, 87 %"])]
    {
        let mut row = example::row("connect-16", Measure::ProxyMicrosPerOperation, true, &found);
        example::fail(&mut row, "nginx", failed, "it broke", None);
        let report = Report { rows: vec![row], ..example::empty() };
        let [leading, _] = matrices(&crate::verdict::judge(&report));
        let line = &leading[0].lines[0];
        assert_eq!(
            (line.runs.as_str(), line.cells[1].notes.as_slice()),
            ("6 runs", &expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
        );
        assert!(expected.iter().all(|note| text(&report).contains(note) && markdown(&report).contains(note)));
    }
}

#[test]
fn markdown_shows_the_same() {
    let shown = markdown(&small());
    for expected in [
        "> **Warning:** the machine was busy\n",
        "| | Bulkhead | plain relay | nginx | a\\|proxy |\n|:---|---:|---:|---:|---:|\n",
        "| **bulk-up-1**<br>CPU of proxies, s/GB<br>3 runs (75 %) | 1.01 | 1.00<br>× 1.00<br>0.927 to 1.01<br>no difference | \
         error | 5.00<br>× 0.202<br>0.200 to 0.204 |\n",
        "- **bulk-up-1**: Bulkhead's two proxies spend 0.202 times",
        "1 of 3 runs failed: the proxy &lt;ended&gt;.\n",
    ] {
        assert!(shown.contains(expected), "{expected}\nis not in\n{shown}");
    }
    assert!(shown.ends_with("meanwhile\n"), "{shown}");
    assert!(!summary(&small()).contains("- **bulk-up-1**"));
}

#[test]
fn no_line_of_a_whole_result_is_wider_than_a_terminal() {
    let shown = text(&example::short());
    let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 140, "{widest}");
    assert!(shown.contains("ztunnel<script>"), "the arms that had no room beside the others stand beneath");
    assert!(shown.contains("Further measures\n"));
}

#[test]
fn nothing_that_was_measured_is_still_a_result() {
    for shown in [text(&example::empty()), markdown(&example::empty())] {
        assert!(shown.contains("0 runs, all of them kept; 0 failed"), "{shown}");
    }
}
