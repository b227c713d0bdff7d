//! One run, from its order to its sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::crew::Crew;
use super::descriptors;
use super::error::LoadError;
use super::failure::Failure;
use super::idle::{self, Held};
use super::meter::Meter;
use super::reading::{Clocks, Spent};
use crate::work::Work;
use crate::{Order, Sample};

/// Does what the order says. Connections are held where that was asked, and end when [`Held`] is dropped.
///
/// It ends 10 s after the times of the order at the latest; idle connections have 10 ms each besides.
pub async fn drive(order: &Order) -> Result<(Sample, Held), LoadError> {
    let idle = idle(order).unwrap_or(0);
    drive_within(order.warm_up + order.measured + GRACE + PER_IDLE * idle, order).await
}

/// [`drive`], with this as the deadline.
pub(super) async fn drive_within(limit: Duration, order: &Order) -> Result<(Sample, Held), LoadError> {
    descriptors::ensure(sockets(order)?.into())?;
    let run = Run { order, meter: Arc::new(Meter::new()), clocks: Clocks::of(&order.watch)? };
    let ended = tokio::select! {
        ended = timeout(limit, run.follow()) => ended,
        first = run.meter.hopeless() => return Err(LoadError::NothingWorked { target: order.target, first }),
    };
    ended.unwrap_or_else(|_| Err(run.late(limit)))
}

struct Run<'a> {
    order: &'a Order,
    meter: Arc<Meter>,
    clocks: Clocks,
}

impl Run<'_> {
    async fn follow(&self) -> Result<(Sample, Held), LoadError> {
        match idle(self.order) {
            Some(connections) => self.hold(connections).await,
            None => Ok((self.work().await?, Held::default())),
        }
    }

    /// The measured time is what it takes to open all of them.
    async fn hold(&self, connections: u32) -> Result<(Sample, Held), LoadError> {
        let before = self.clocks.read()?;
        self.meter.begin();
        let held = idle::open(connections, self.order.target, &self.meter).await;
        let after = self.clocks.read()?;
        Ok((self.sample(after.since(&before), None)?, held))
    }

    async fn work(&self) -> Result<Sample, LoadError> {
        let mut crew = Crew::muster(self.order, &self.meter).await?;
        sleep(self.order.warm_up).await;
        let bytes_before = self.asked(&mut crew).await?;
        let before = self.clocks.read()?;
        self.meter.begin();
        sleep(self.order.measured).await;
        let bytes_after = self.asked(&mut crew).await?;
        let finished = self.meter.end();
        let after = self.clocks.read()?;
        self.count_overdue(&crew, finished);
        crew.dismissed().await;
        let asked = bytes_after.zip(bytes_before).map(|(after, before)| after.saturating_sub(before));
        self.sample(after.since(&before), asked)
    }

    /// What the application says it has taken, where the client cannot know.
    async fn asked(&self, crew: &mut Crew) -> Result<Option<u64>, LoadError> {
        let Some(ledger) = &mut crew.ledger else { return Ok(None) };
        let asked = ledger.ask().await;
        asked.map(Some).map_err(|failure| self.nothing_measured(&failure))
    }

    fn count_overdue(&self, crew: &Crew, finished: u64) {
        let overdue = crew.timetable.as_ref().map_or(0, |table| table.overdue(Instant::now(), finished));
        if overdue > 0 {
            let words = || format!("{overdue} requests had not been answered when the time was over");
            self.meter.counts().fail(overdue, words);
        }
    }

    fn sample(&self, spent: Spent, asked: Option<u64>) -> Result<Sample, LoadError> {
        let counts = self.meter.counts();
        let bytes = asked.unwrap_or(counts.bytes);
        if bytes == 0 {
            let (target, first) = (self.order.target, counts.first_words());
            return Err(if counts.worked() {
                LoadError::NothingMeasured { target, first }
            } else {
                LoadError::NothingWorked { target, first }
            });
        }
        Ok(Sample {
            seconds: spent.seconds,
            operations: counts.operations,
            bytes,
            failures: counts.failures,
            first_failure: counts.first_failure(),
            watched: spent.watched,
            own: spent.own,
            machine: spent.machine,
            steal: spent.steal,
            latency: counts.latency(),
        })
    }

    fn nothing_measured(&self, failure: &Failure) -> LoadError {
        LoadError::NothingMeasured { target: self.order.target, first: failure.words() }
    }

    fn late(&self, limit: Duration) -> LoadError {
        let counts = self.meter.counts();
        LoadError::Late { target: self.order.target, limit, ended: counts.finished, first: counts.first_words() }
    }
}

/// How many sockets the order asks for at a time.
fn sockets(order: &Order) -> Result<u32, LoadError> {
    let sockets = match order.work {
        Work::Bulk { connections, .. } => connections.saturating_add(1),
        Work::PingPong { connections }
        | Work::Http { connections, .. }
        | Work::Grpc { connections, .. }
        | Work::Idle { connections } => connections,
        Work::Connect { parallel } | Work::Handshake { parallel } => parallel,
    };
    match sockets {
        0 => Err(LoadError::Order { why: "no connections are no work" }),
        _ if order.measured.is_zero() && idle(order).is_none() => {
            Err(LoadError::Order { why: "no time to measure in" })
        }
        _ => Ok(sockets),
    }
}

fn idle(order: &Order) -> Option<u32> {
    match order.work {
        Work::Idle { connections } => Some(connections),
        _ => None,
    }
}

/// How long a run may take besides its times: connecting, and coming to an end.
const GRACE: Duration = Duration::from_secs(10);
/// How much longer for each idle connection: a proxy may need a handshake for each.
const PER_IDLE: Duration = Duration::from_millis(10);
