//! One whole bench, from what it is told to the files that it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bulkhead_daemon::version;
use bulkhead_identity::clock::{Clock as _, SystemClock};

use super::keeper::{self, FORMAT, Keeper};
use super::measure_all;
use super::stage::{Set, Stage};
use crate::arm::ArmName;
use crate::arms::{self, Choice};
use crate::machine::{Preflight, Room};
use crate::options::Options;
use crate::plan::{Family, Plan, PlannedArm};
use crate::progress::Progress;
use crate::result::{Outcome, Report};
use crate::stop::Stop;
use crate::{page, profile, table};

/// How a bench ended.
pub struct Ended {
    /// What was found.
    pub report: Report,
    /// The JSON, the page and the table as files.
    pub files: Vec<PathBuf>,
    /// Whether somebody wanted the end.
    pub interrupted: bool,
}

impl Ended {
    /// Rows in which an arm has no figure at all, with the arm.
    pub fn without_figure(&self) -> Vec<(&str, &ArmName)> {
        without_figure(&self.report)
    }
}

/// What would be measured, and what must be said of arms that are not here.
pub fn plan(options: &Options) -> Result<(Plan, Vec<String>)> {
    let choice = arms::choose(&options.arms, &options.arm_file)?;
    Ok((plan_of(options, &choice, &options.families()?), choice.warnings))
}

fn plan_of(options: &Options, choice: &Choice, families: &[Family]) -> Plan {
    let names = choice.names().into_iter().chain([ArmName::bulkhead()]);
    let arms = names.map(|name| PlannedArm::named(&name.0)).collect();
    Plan::new(options.length(), arms, families)
}

/// Measures everything that was asked for. Whatever was measured is on disk, however it ends.
pub fn run(options: &Options) -> Result<Ended> {
    let families = options.families()?;
    bulkhead_lab::rights::ensure()?;
    let choice = arms::choose(&options.arms, &options.arm_file)?;
    let mut plan = plan_of(options, &choice, &families);
    let stop = Stop::on_signals()?;
    let preflight = Preflight::look(plan.idle_connections())?;
    let mut report = report(options, &preflight, &choice);
    report.warnings.extend(without_profiles(&mut plan));
    let mut keeper = Keeper::new(report, &options.out)?;
    let mut progress = Progress::new(plan.seconds());
    keeper.report().warnings.iter().for_each(|warning| progress.say(&format!("warning: {warning}")));
    let Set { mut stage, congestion_control, complaints } =
        set_up(&plan, &choice, preflight.room, &keeper, &mut progress)?;
    keeper.report_mut().machine.congestion_control = congestion_control;
    for complaint in complaints {
        progress.say(&format!("warning: {complaint}"));
        keeper.warn(complaint);
    }
    measure_all(&plan, &mut stage, &mut keeper, &mut progress, &stop)?;
    progress.end();
    finish(keeper, &preflight, &stop)
}

/// Takes the profiles out of the plan where `perf` may not look, and says so.
fn without_profiles(plan: &mut Plan) -> Option<String> {
    let sentence = if plan.profiles.is_empty() { None } else { profile::is_possible().err() };
    if sentence.is_some() {
        plan.profiles.clear();
    }
    sentence
}

/// Builds the arms.
fn set_up(plan: &Plan, choice: &Choice, room: Room, keeper: &Keeper, progress: &mut Progress) -> Result<Set> {
    progress.row("set-up", &format!("{} arms, {} rows", plan.arms.len(), plan.rows.len()));
    let set = Stage::set(choice, room, keeper.began(), progress)?;
    progress.done(plan.set_up_seconds());
    Ok(set)
}

/// What is known before the first run.
fn report(options: &Options, preflight: &Preflight, choice: &Choice) -> Report {
    Report {
        format: FORMAT,
        began: SystemClock::default().now().to_string(),
        seconds: 0.0,
        version: version::text(option_env!("BULKHEAD_BUILD_ID")).to_owned(),
        told: options.told(),
        machine: preflight.machine.clone(),
        warnings: [&preflight.warnings[..], &choice.warnings].concat(),
        arms: BTreeMap::new(),
        rows: Vec::new(),
        profiles: Vec::new(),
    }
}

/// Writes what is known only now, and the pages.
fn finish(mut keeper: Keeper, preflight: &Preflight, stop: &Stop) -> Result<Ended> {
    let (steal, warning) = preflight.steal_since()?;
    keeper.report_mut().machine.steal = steal;
    keeper.report_mut().seconds = keeper.began().elapsed().as_secs_f64();
    if let Some(warning) = warning {
        keeper.warn(warning);
    }
    keeper.write()?;
    let mut files = vec![keeper.path().to_owned()];
    files.extend(write_pages(keeper.report(), keeper.path())?);
    Ok(Ended { report: keeper.into_report(), files, interrupted: stop.is_wanted() })
}

/// Reads an earlier result and writes its pages anew, and for documentation what it shows into a directory.
pub fn render(path: &Path, publish: Option<&Path>) -> Result<Ended> {
    let report = keeper::read(path)?;
    let mut files = write_pages(&report, path)?;
    if let Some(directory) = publish {
        files.extend(write_publication(&report, directory)?);
    }
    Ok(Ended { report, files, interrupted: false })
}

/// The first table alone, and a picture of each row.
fn write_publication(report: &Report, directory: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let pictures = page::pictures(report).into_iter().map(|picture| (format!("{}.svg", picture.name), picture.svg));
    let texts = pictures.chain([("summary.md".to_owned(), table::summary(report))]);
    let write = |(name, text): (String, String)| {
        let path = directory.join(name);
        keeper::replace(&path, &text).map(|()| path)
    };
    texts.map(write).collect()
}

/// The page and the table beside the JSON.
fn write_pages(report: &Report, json: &Path) -> Result<Vec<PathBuf>> {
    let (html, markdown) = (json.with_extension("html"), json.with_extension("md"));
    keeper::replace(&html, &page::html(report))?;
    keeper::replace(&markdown, &table::markdown(report))?;
    Ok(vec![html, markdown])
}

fn without_figure(report: &Report) -> Vec<(&str, &ArmName)> {
    let mut found = Vec::new();
    for row in &report.rows {
        let measured =
            |arm: &ArmName| row.runs.iter().any(|run| run.arm == *arm && matches!(run.outcome, Outcome::Measured(_)));
        for run in &row.runs {
            let pair = (&*row.name, &run.arm);
            if !measured(&run.arm) && !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    found
}
