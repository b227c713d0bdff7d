//! Whole benches with invented arms.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use bulkhead_measure::work::Pace;
use bulkhead_measure::{Sample, Work};

use super::*;
use crate::arm::{About, ArmName};
use crate::plan::{Family, Kind, Length, Load, PlannedArm};
use crate::profile::{Function, Profile};
use crate::proof::Seen;
use crate::result::{Machine, Measure, Outcome, Proof, Report, Row, Run};
use crate::rows::{Lane, Loaded};
use crate::verdict::{self, Cell};

#[test]
fn every_arm_runs_once_in_each_round() {
    let report = bench(&["none", "relay", "bulkhead"], &[Family::PingPong], &mut Company::default());
    let row = &report.rows[0];
    assert_eq!((row.name.as_str(), row.runs.len(), row.paired), ("ping-pong-32", 9, true));
    for round in 0..3 {
        let of_round: Vec<_> = row.runs.iter().filter(|run| run.round == round).collect();
        assert_eq!(of_round.iter().map(|run| run.place).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(of_round.iter().map(|run| &*run.arm.0).collect::<BTreeSet<_>>().len(), 3);
    }
}

#[test]
fn rounds_are_in_the_order_of_the_schedule() {
    let arms = ["none", "relay", "bulkhead"];
    let report = bench(&arms, &[Family::Connect], &mut Company::default());
    let expected = (0..3).flat_map(|round| bulkhead_measure::schedule::round_order(3, round));
    let expected: Vec<&str> = expected.map(|index| arms[index]).collect();
    assert_eq!(report.rows[0].runs.iter().map(|run| &*run.arm.0).collect::<Vec<_>>(), expected);
}

#[test]
fn the_runs_of_a_row_are_of_several_starts() {
    let mut company = Company::default();
    bench_of(Length::Full, &["none", "bulkhead"], &[Family::Connect], &mut company, &Stop::default());
    assert_eq!((company.loads, company.starts), (30, 8), "each arm anew after every third of fifteen rounds");
    let mut company = Company::default();
    bench_of(Length::Full, &["bulkhead"], &[Family::Cutoffs], &mut company, &Stop::default());
    assert_eq!(company.starts, 0, "a million cutoffs take minutes to come back");
}

#[test]
fn an_arm_that_fails_is_tried_again_and_its_failures_are_kept() {
    let mut company = Company { failing: vec!["relay"], ..Company::default() };
    let report = bench(&["relay", "bulkhead"], &[Family::Bulk], &mut company);
    let failed = failed_runs(&report.rows[0]);
    assert_eq!(failed.len(), 3);
    assert!(failed.iter().all(|(arm, sentence)| (*arm, *sentence) == ("relay", "the proxy has ended")), "{failed:?}");
}

#[test]
fn one_run_whose_text_was_legible_takes_the_figures_of_its_row() {
    for family in [Family::Bulk, Family::Memory] {
        let mut company = Company { legible: vec!["nginx"], ..Company::default() };
        let report = bench_of(Length::Full, &["nginx", "bulkhead"], &[family], &mut company, &Stop::default());
        let verdict = &verdict::judge(&report)[0];
        let nginx = verdict.others().next().unwrap();
        let Cell::Error(failures) = nginx.cell(verdict.row.primary) else { panic!("{family}: {nginx:?}") };
        assert_eq!((failures.failed, failures.unproven), (1, true), "{family}");
        assert!(failures.first.contains("legible"), "{}", failures.first);
        let ours = verdict.ours().unwrap();
        assert!(matches!(ours.cell(verdict.row.primary), Cell::Figure(_)), "{family}: {ours:?}");
    }
}

#[test]
fn an_arm_that_cannot_be_built_fails_each_run() {
    let mut company = Company { missing: vec!["bulkhead@rules-10000"], ..Company::default() };
    let report = bench(&["bulkhead"], &[Family::Rules], &mut company);
    let failed = failed_runs(&report.rows[0]);
    assert_eq!(failed.len(), 3);
    assert!(failed.iter().all(|(_, sentence)| *sentence == "there is no such arm"), "{failed:?}");
}

#[test]
fn a_rate_is_a_share_of_what_the_slowest_arm_can() {
    let mut company = Company { slow: vec!["relay"], ..Company::default() };
    let report = bench(&["none", "relay", "bulkhead"], &[Family::Http], &mut company);
    let names: Vec<_> = report.rows.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["http-capacity", "http-50"]);
    assert!(report.rows[1].title.ends_with(": 500 a second; the slowest is relay"), "{}", report.rows[1].title);
    let paces: BTreeSet<_> = company.paces.iter().map(|pace| format!("{pace:?}")).collect();
    assert_eq!(paces, ["AsFastAsAnswered", "PerSecond(500)"].map(str::to_owned).into());
}

#[test]
fn without_a_capacity_there_is_no_rate() {
    let mut company = Company { failing: vec!["bulkhead"], ..Company::default() };
    let report = bench(&["bulkhead"], &[Family::Grpc], &mut company);
    let sentence = "no arm has a figure in `grpc-capacity`, so that there is no rate";
    assert_eq!(failed_runs(&report.rows[1]), [("bulkhead", sentence); 3]);
}

#[test]
fn memory_is_seen_in_each_state() {
    let report = bench(&["none", "bulkhead"], &[Family::Memory], &mut Company::default());
    let runs = &report.rows[0].runs;
    assert_eq!(runs.len(), 3);
    let Outcome::Measured(figures) = &runs[0].outcome else { panic!("{:?}", runs[0].outcome) };
    let expected = [
        (Measure::MegabytesAtRest, 10.0),
        (Measure::MegabytesWith1000, 12.0),
        (Measure::KilobytesPerConnectionTo1000, 2.0),
        (Measure::MegabytesAfterBurst, 10.0),
        (Measure::MegabytesAfterRest, 10.0),
    ];
    assert_eq!(figures, &BTreeMap::from(expected));
    assert!(runs[0].proof.is_some());
}

#[test]
fn an_arm_holds_no_more_than_it_has_room_for() {
    let mut company = Company { narrow: vec!["relay"], ..Company::default() };
    let report = bench(&["relay", "bulkhead"], &[Family::Memory], &mut company);
    for run in &report.rows[0].runs {
        let Outcome::Measured(figures) = &run.outcome else { panic!("{:?}", run.outcome) };
        let held = figures.contains_key(&Measure::MegabytesWith1000);
        assert_eq!(held, run.arm.is_bulkhead(), "{}", run.arm);
        assert!(figures.contains_key(&Measure::MegabytesAfterRest));
    }
}

#[test]
fn why_connections_could_not_be_held_is_told_before_that_they_were_not_kept() {
    let mut company = Company { loose: vec!["relay"], ..Company::default() };
    let report = bench(&["relay", "bulkhead"], &[Family::Memory], &mut company);
    let failed = failed_runs(&report.rows[0]);
    assert!(!failed.is_empty() && failed.iter().all(|run| *run == ("relay", "the proxy refuses")), "{failed:?}");
}

#[test]
fn a_wish_for_an_end_keeps_what_there_is() {
    let stop = Stop::default();
    let mut company = Company { ends_after: Some((4, stop.clone())), ..Company::default() };
    let report = bench_until(&["none", "bulkhead"], &[Family::PingPong, Family::Connect], &mut company, &stop);
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.rows[0].runs.len(), 4);
    assert_eq!(report.warnings, ["ended by a signal when 1 of 2 rows were begun; the last may lack runs"]);
}

#[test]
fn a_wish_for_an_end_reaches_the_revocations() {
    let stop = Stop::default();
    let mut company = Company { ends_after: Some((2, stop.clone())), ..Company::default() };
    let report = bench_until(&["bulkhead"], &[Family::Revocation], &mut company, &stop);
    assert_eq!(report.rows[0].runs.len(), 2);
}

#[test]
fn a_setting_goes_when_no_row_needs_it() {
    let mut company = Company::default();
    bench(&["bulkhead"], &[Family::Rules, Family::Cutoffs], &mut company);
    assert_eq!(company.dismissed, ["bulkhead@rules-10000", "bulkhead@cutoffs-10000"]);
}

#[test]
fn revocations_are_a_row_of_bulkhead_alone() {
    let report = bench(&["none", "bulkhead"], &[Family::Revocation], &mut Company::default());
    let row = &report.rows[0];
    assert_eq!((row.name.as_str(), row.paired, row.runs.len()), ("revocation-20", false, 3));
}

#[test]
fn profiles_are_kept_and_one_that_fails_is_a_warning() {
    let report = bench(&["bulkhead"], &[Family::Profile], &mut Company::default());
    let rows: Vec<_> = report.profiles.iter().map(|profile| &*profile.row).collect();
    assert_eq!((rows, report.rows.len()), (vec!["bulk-down-1", "ping-pong-32", "connect-16"], 0));
    let mut company = Company { failing: vec!["bulkhead"], ..Company::default() };
    let report = bench(&["bulkhead"], &[Family::Profile], &mut company);
    assert_eq!((report.profiles.len(), report.warnings.len()), (0, 3));
    assert_eq!(report.warnings[0], "there is no profile of bulk-down-1: the proxy has ended");
}

#[test]
fn what_documentation_shows_is_written_from_an_earlier_result() {
    let directory = tempfile::tempdir().unwrap();
    let (kept, published) = (directory.path().join("kept.json"), directory.path().join("published"));
    keeper::replace(&kept, &serde_json::to_string(&crate::example::short()).unwrap()).unwrap();
    let ended = bench::render(&kept, Some(&published)).unwrap();
    let summary = std::fs::read_to_string(published.join("summary.md")).unwrap();
    assert_eq!(summary, crate::table::summary(&ended.report));
    let pictures = ended.files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "svg"));
    assert!(pictures.count() > 0 && ended.files.iter().all(|file| file.exists()), "{:?}", ended.files);
}

fn failed_runs(row: &Row) -> Vec<(&str, &str)> {
    let failed = row.runs.iter().filter_map(|run| match &run.outcome {
        Outcome::Failed(sentence) => Some((&*run.arm.0, &**sentence)),
        Outcome::Measured(_) => None,
    });
    failed.collect()
}

fn bench(arms: &[&str], families: &[Family], company: &mut Company) -> Report {
    bench_until(arms, families, company, &Stop::default())
}

fn bench_until(arms: &[&str], families: &[Family], company: &mut Company, stop: &Stop) -> Report {
    bench_of(Length::Quick, arms, families, company, stop)
}

/// A whole bench, and the report as it lies on disk at its end.
fn bench_of(length: Length, arms: &[&str], families: &[Family], company: &mut Company, stop: &Stop) -> Report {
    let arms = arms.iter().map(|name| PlannedArm::named(name)).collect();
    let mut plan = Plan::new(length, arms, families);
    without_rests(&mut plan);
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = Keeper::new(empty_report(), directory.path()).unwrap();
    measure_all(&plan, company, &mut keeper, &mut Progress::hidden(plan.seconds()), stop).unwrap();
    keeper.write().unwrap();
    keeper::read(keeper.path()).unwrap()
}

/// Invented proxies need none.
fn without_rests(plan: &mut Plan) {
    for row in &mut plan.rows {
        if let Kind::Memory(course) = &mut row.kind {
            (course.settle, course.rest) = (Duration::ZERO, Duration::ZERO);
        }
    }
}

/// Invented arms: each is its own lane.
#[derive(Default)]
struct Company {
    failing: Vec<&'static str>,
    missing: Vec<&'static str>,
    slow: Vec<&'static str>,
    narrow: Vec<&'static str>,
    /// Who holds no connection.
    loose: Vec<&'static str>,
    /// Whose text is seen on the wire, once.
    legible: Vec<&'static str>,
    ends_after: Option<(usize, Stop)>,
    turn: Option<ArmName>,
    loads: usize,
    starts: usize,
    held: u32,
    paces: Vec<Pace>,
    dismissed: Vec<String>,
}

impl Company {
    fn is_among(&self, names: &[&str]) -> bool {
        self.turn.as_ref().is_some_and(|arm| names.contains(&&*arm.0))
    }

    fn revoke(&mut self, round: u32) -> Run {
        self.count();
        run("bulkhead", round)
    }

    /// Something was done, after which somebody may want an end.
    fn count(&mut self) {
        self.loads += 1;
        if let Some((loads, stop)) = &self.ends_after
            && self.loads >= *loads
        {
            stop.want();
        }
    }

    fn seen(&mut self) -> Seen {
        if self.is_among(&self.legible) {
            self.legible.clear();
            let verdict = Err("the application's text was legible on the wire".to_owned());
            return Seen { proof: Proof { legible: true, ..proof() }, verdict };
        }
        Seen { proof: proof(), verdict: Ok(()) }
    }
}

impl Cast for Company {
    fn lane(&mut self, name: &ArmName) -> Result<&mut dyn Lane> {
        self.turn = Some(name.clone());
        if self.is_among(&self.missing) {
            bail!("there is no such arm");
        }
        Ok(self)
    }

    fn dismiss(&mut self, name: &ArmName) {
        self.dismissed.push(name.0.clone());
    }

    fn about(&self, _name: &ArmName) -> Option<About> {
        None
    }

    fn revocations(&mut self, _proxies: u32, runs: u32, stop: &Stop, _say: &mut dyn FnMut(&str)) -> Result<Vec<Run>> {
        let until_stopped = (0..runs).take_while(|_| !stop.is_wanted());
        Ok(until_stopped.map(|round| self.revoke(round)).collect())
    }
}

impl Lane for Company {
    fn load(&mut self, load: &Load) -> Result<Loaded> {
        self.count();
        if self.is_among(&self.failing) {
            bail!("the proxy has ended");
        }
        let mut sample = sample(if self.is_among(&self.slow) { 1000 } else { 5000 });
        if let Work::Http { pace, .. } | Work::Grpc { pace, .. } = load.work {
            self.paces.push(pace);
            sample.operations = if let Pace::PerSecond(rate) = pace { rate.into() } else { sample.operations };
        }
        Ok(Loaded { sample, seen: self.seen() })
    }

    fn fresh(&mut self) -> Result<Duration> {
        self.starts += 1;
        Ok(Duration::from_millis(12))
    }

    fn profile(&mut self, row: &str, load: &Load) -> Result<Profile> {
        self.load(load)?;
        let function =
            Function { share: 1.0, object: "bulkhead-proxy".to_owned(), symbol: "bulkhead_proxy::copy".to_owned() };
        let places = BTreeMap::from([("Bulkhead".to_owned(), 1.0)]);
        Ok(Profile { row: row.to_owned(), samples: 100, functions: vec![function], places })
    }

    fn memory(&self) -> Result<u64> {
        Ok(10_000_000 + 2000 * u64::from(self.held))
    }

    fn room(&self) -> u32 {
        if self.is_among(&self.narrow) { 999 } else { 10_000 }
    }

    fn hold(&mut self, connections: u32) -> Result<Seen> {
        if self.is_among(&self.loose) {
            bail!("the proxy refuses");
        }
        self.held += connections;
        Ok(self.seen())
    }

    fn release(&mut self) -> Result<()> {
        self.held = 0;
        if self.is_among(&self.loose) {
            bail!("they were not kept");
        }
        Ok(())
    }
}

fn sample(operations: u64) -> Sample {
    Sample {
        seconds: 1.0,
        operations,
        bytes: 1_000_000,
        failures: 0,
        first_failure: None,
        watched: vec![0.25, 0.25, 0.5],
        own: 0.1,
        machine: 1.0,
        steal: 0.0,
        latency: None,
    }
}

fn proof() -> Proof {
    Proof { packets: 200, captured: 200, legible: false, tls_records: 90, begun_without_tls: 0 }
}

fn run(arm: &str, round: u32) -> Run {
    let figures = BTreeMap::from([(Measure::MillisToAcknowledgement, 40.0)]);
    let outcome = Outcome::Measured(figures);
    Run { arm: ArmName(arm.to_owned()), round, place: 0, at: 1.0, proof: None, outcome }
}

/// A row with one run.
pub(super) fn row(name: &str) -> Row {
    let (title, primary) = ("bytes".to_owned(), Measure::ProxySecondsPerGigabyte);
    let runs = vec![run("bulkhead", 0)];
    Row { name: name.to_owned(), family: "bulk".to_owned(), title, primary, paired: true, runs }
}

/// A report before its first row.
pub(super) fn empty_report() -> Report {
    let machine = Machine {
        kernel: "6.18.0".to_owned(),
        processor: "a processor".to_owned(),
        cores: 2,
        memory: 8_000_000_000,
        congestion_control: "cubic".to_owned(),
        load_before: 0.1,
        steal: 0.0,
    };
    Report {
        format: keeper::FORMAT,
        began: "2026-11-24T17:36:52.000Z".to_owned(),
        seconds: 0.0,
        version: "0.1.0 (build test)".to_owned(),
        told: BTreeMap::new(),
        machine,
        warnings: Vec::new(),
        arms: BTreeMap::new(),
        rows: Vec::new(),
        profiles: Vec::new(),
    }
}
