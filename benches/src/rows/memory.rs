//! The memory of the proxies: at rest, with idle connections, after a burst, after a rest.
//!
//! All arms rest at the same time: waiting costs no processor time, so that one arm's rest disturbs nobody, and a round
//! takes one rest instead of one for each arm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::convert::count;
use super::interleaved::{Turn, turns_of};
use super::{Bench, Found, Lane};
use crate::plan::{MemoryCourse, PlannedRow};
use crate::proof::Seen;
use crate::result::{Measure, Proof, Run};
use crate::stop::Stop;

pub(super) fn run(planned: &PlannedRow, course: &MemoryCourse, bench: &mut Bench<'_>, runs: &mut Vec<Run>) {
    for round in 0..planned.rounds {
        let mut resting: Vec<Resting<'_>> = Vec::new();
        for turn in turns_of(planned, round) {
            if bench.stop.is_wanted() {
                break;
            }
            bench.progress.run(&turn.words(planned.rounds));
            resting.push(busy(turn, course, bench));
            bench.progress.done(planned.kind.run_seconds());
        }
        bench.progress.run(&format!("rest {} of {}", round + 1, planned.rounds));
        runs.extend(resting.into_iter().map(|resting| resting.rested(course.rest, bench)));
        bench.progress.done(planned.kind.rest_seconds());
        if bench.stop.is_wanted() {
            return;
        }
    }
}

/// An arm that has had its burst.
struct Resting<'a> {
    turn: Turn<'a>,
    at: f64,
    since: Instant,
    /// The first look at the wire, or the one that showed what it must not.
    proof: Option<Proof>,
    found: Result<Figures>,
}

type Figures = BTreeMap<Measure, f64>;

fn busy<'a>(turn: Turn<'a>, course: &MemoryCourse, bench: &mut Bench<'_>) -> Resting<'a> {
    let (stop, mut proof) = (bench.stop, None);
    let lane = bench.cast.lane(turn.arm);
    let at = bench.began.elapsed().as_secs_f64();
    let found = lane.and_then(|lane| go_through(lane, course, stop, &mut proof));
    Resting { turn, at, since: Instant::now(), proof, found }
}

/// The course up to the end of the burst.
fn go_through(lane: &mut dyn Lane, course: &MemoryCourse, stop: &Stop, proof: &mut Option<Proof>) -> Result<Figures> {
    lane.fresh()?;
    stop.wait(course.settle);
    let at_rest = lane.memory()?;
    let mut figures = BTreeMap::from([(Measure::MegabytesAtRest, megabytes(at_rest))]);
    let held = hold(lane, course, at_rest, &mut figures, proof);
    let released = lane.release();
    // Why they could not be held says more than what became of them.
    held?;
    released?;
    // Not every arm has held as many connections, for want of descriptors: the burst finds all as they start.
    lane.fresh()?;
    believe(lane.load(&course.burst)?.seen, proof)?;
    figures.insert(Measure::MegabytesAfterBurst, megabytes(lane.memory()?));
    Ok(figures)
}

/// Idle connections, more and more of them.
fn hold(
    lane: &mut dyn Lane,
    course: &MemoryCourse,
    at_rest: u64,
    figures: &mut Figures,
    proof: &mut Option<Proof>,
) -> Result<()> {
    let room = lane.room();
    let mut before = Held { connections: 0, bytes: at_rest };
    for connections in course.idle.iter().copied().filter(|connections| *connections <= room) {
        believe(lane.hold(connections - before.connections)?, proof)?;
        let now = Held { connections, bytes: lane.memory()? };
        figures.extend(measures(connections, &before, &now));
        before = now;
    }
    Ok(())
}

/// Keeps what the wire showed; what it must not show is kept in place of everything else, and ends the run.
fn believe(seen: Seen, proof: &mut Option<Proof>) -> Result<()> {
    match seen.verdict {
        Ok(()) => {
            proof.get_or_insert(seen.proof);
            Ok(())
        }
        Err(sentence) => {
            *proof = Some(seen.proof);
            bail!(sentence)
        }
    }
}

struct Held {
    connections: u32,
    bytes: u64,
}

/// Memory with so many connections, and of each one more.
fn measures(connections: u32, before: &Held, now: &Held) -> Vec<(Measure, f64)> {
    let more = f64::from(now.connections - before.connections);
    let each = (megabytes(now.bytes) - megabytes(before.bytes)) * 1e3 / more;
    match connections {
        1000 => vec![(Measure::MegabytesWith1000, megabytes(now.bytes)), (Measure::KilobytesPerConnectionTo1000, each)],
        10_000 => {
            vec![(Measure::MegabytesWith10000, megabytes(now.bytes)), (Measure::KilobytesPerConnectionTo10000, each)]
        }
        _ => Vec::new(), // The result has no name for another number.
    }
}

impl Resting<'_> {
    /// Its run, when it has rested long enough or somebody wants an end.
    fn rested(mut self, rest: Duration, bench: &mut Bench<'_>) -> Run {
        if let Ok(figures) = &mut self.found {
            let rested = bench.stop.wait(rest.saturating_sub(self.since.elapsed()));
            let bytes = bench.cast.lane(self.turn.arm).and_then(|lane| lane.memory());
            match bytes {
                Ok(bytes) if rested => drop(figures.insert(Measure::MegabytesAfterRest, megabytes(bytes))),
                Ok(_) => {} // Interrupted: what was seen before stands.
                Err(error) => self.found = Err(error),
            }
        }
        let figures = self.found.map_err(|error| format!("{error:#}"));
        self.turn.run(self.at, Found::of(self.proof, figures))
    }
}

/// 10^6 bytes.
fn megabytes(bytes: u64) -> f64 {
    count(bytes) / 1e6
}
