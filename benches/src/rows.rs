//! How each kind of row is measured: which arm does what in which round, whatever arms are.
//!
//! Rows know arms as [`Lane`]s and whoever brings them as a [`Cast`]; what stands behind those touches processes and
//! networks, or is invented by a test.

mod convert;
mod interleaved;
mod memory;
mod rates;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use bulkhead_measure::Sample;

use crate::arm::{About, ArmName};
use crate::plan::{Kind, Load, PlannedRow};
use crate::profile::Profile;
use crate::progress::Progress;
use crate::proof::Seen;
use crate::result::{Measure, Outcome, Proof, Row, Run};
use crate::stop::Stop;

/// One arm as rows use it.
pub trait Lane {
    /// Does this work once.
    fn load(&mut self, load: &Load) -> Result<Loaded>;
    /// Ends the proxies, starts them anew, and waits until a connection passes: how long that took from the start.
    fn fresh(&mut self) -> Result<Duration>;
    /// Does this work for a while, and sees where the proxies' cycles go; `row` has the same work.
    fn profile(&mut self, row: &str, load: &Load) -> Result<Profile>;
    /// Proportional set size of all processes of both proxies, in bytes.
    fn memory(&self) -> Result<u64>;
    /// How many connections its proxies can hold, for want of descriptors.
    fn room(&self) -> u32;
    /// Opens so many connections, does one round trip on each, and keeps them, beside those that are held already.
    fn hold(&mut self, connections: u32) -> Result<Seen>;
    /// Closes the connections that are held.
    fn release(&mut self) -> Result<()>;
}

/// What a load generator found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its figures.
    pub sample: Sample,
    /// What was seen on the wire meanwhile.
    pub seen: Seen,
}

/// Who brings an arm onto its lane, and asks Bulkhead what needs a mesh of its own.
pub trait Cast {
    /// The lane of this arm, which is built if it does not stand yet.
    fn lane(&mut self, name: &ArmName) -> Result<&mut dyn Lane>;
    /// Takes down an arm that no later row needs.
    fn dismiss(&mut self, name: &ArmName);
    /// What an arm that stands consists of.
    fn about(&self, name: &ArmName) -> Option<About>;
    /// So many times a node is revoked while so many proxies watch, or fewer times if somebody wants an end; `say` is told
    /// how far it is.
    fn revocations(&mut self, proxies: u32, runs: u32, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<Vec<Run>>;
}

/// What a row is measured with besides its arms.
pub struct Bench<'a> {
    /// Who brings the arms.
    pub cast: &'a mut dyn Cast,
    /// What is shown meanwhile.
    pub progress: &'a mut Progress,
    /// Whether somebody wants an end.
    pub stop: &'a Stop,
    /// When the bench began.
    pub began: Instant,
    /// The rows that were measured before.
    pub earlier: &'a [Row],
}

/// Measures a row, to its end or until somebody wants one.
pub fn measure(planned: &PlannedRow, bench: &mut Bench<'_>) -> Row {
    let mut row = Row {
        name: planned.name.clone(),
        family: planned.family.to_string(),
        title: planned.title.clone(),
        primary: planned.primary,
        paired: planned.paired,
        runs: Vec::new(),
    };
    match &planned.kind {
        Kind::Load(load) => interleaved::run(planned, bench, &mut row.runs, &mut |lane| loaded(lane, load)),
        Kind::Ready => interleaved::run(planned, bench, &mut row.runs, &mut ready),
        Kind::Rate { .. } => rates::run(planned, bench, &mut row),
        Kind::Memory(course) => memory::run(planned, course, bench, &mut row.runs),
        Kind::Revocation { proxies } => revocation(planned, *proxies, bench, &mut row.runs),
    }
    row
}

/// What one run found: what was on the wire, and figures or the reason why there are none.
struct Found {
    proof: Option<Proof>,
    outcome: Outcome,
}

impl Found {
    fn failed(error: &anyhow::Error) -> Self {
        Self { proof: None, outcome: Outcome::Failed(format!("{error:#}")) }
    }

    fn of(proof: Option<Proof>, figures: Result<BTreeMap<Measure, f64>, String>) -> Self {
        Self { proof, outcome: figures.map_or_else(Outcome::Failed, Outcome::Measured) }
    }
}

fn loaded(lane: &mut dyn Lane, load: &Load) -> Found {
    match lane.load(load) {
        Ok(Loaded { sample, seen: Seen { proof, verdict } }) => {
            let figures = verdict.and_then(|()| convert::figures(load.work, &sample));
            Found::of(Some(proof), figures)
        }
        Err(error) => Found::failed(&error),
    }
}

fn ready(lane: &mut dyn Lane) -> Found {
    match lane.fresh() {
        Ok(time) => Found::of(None, Ok(BTreeMap::from([(Measure::MillisToReady, 1e3 * time.as_secs_f64())]))),
        Err(error) => Found::failed(&error),
    }
}

fn revocation(planned: &PlannedRow, proxies: u32, bench: &mut Bench<'_>, runs: &mut Vec<Run>) {
    let Some(arm) = planned.arms.first() else { return };
    let (progress, began) = (&mut *bench.progress, bench.began);
    let found = bench.cast.revocations(proxies, planned.rounds, bench.stop, &mut |words| progress.run(words));
    progress.done(f64::from(planned.rounds) * planned.kind.run_seconds());
    match found {
        Ok(found) => runs.extend(found),
        Err(error) => runs.push(Run {
            arm: arm.clone(),
            round: 0,
            place: 0,
            at: began.elapsed().as_secs_f64(),
            proof: None,
            outcome: Found::failed(&error).outcome,
        }),
    }
}
