//! The workers of a run.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::error::LoadError;
use super::failure::Failure;
use super::grpc::GrpcLane;
use super::handshake::Cellar;
use super::http::HttpLane;
use super::ledger::Ledger;
use super::meter::Meter;
use super::open_loop::Timetable;
use super::requests::{Lane, Source, session};
use super::{bulk, connect, ping_pong};
use crate::Order;
use crate::work::{Direction, Pace, Work};

/// Tasks that work until the meter says that the time is over.
#[derive(Debug)]
pub(super) struct Crew {
    target: SocketAddr,
    meter: Arc<Meter>,
    workers: JoinSet<()>,
    /// Where the application's count is asked for, in place of the meter's.
    pub(super) ledger: Option<Ledger>,
    /// When requests are due.
    pub(super) timetable: Option<Arc<Timetable>>,
}

impl Crew {
    /// Puts the workers of this order to work. Idle connections have none.
    pub(super) async fn muster(order: &Order, meter: &Arc<Meter>) -> Result<Self, LoadError> {
        let (target, meter) = (order.target, Arc::clone(meter));
        let mut crew = Self { target, meter, workers: JoinSet::new(), ledger: None, timetable: None };
        match order.work {
            Work::Bulk { direction: Direction::Up, connections } => crew.bulk_up(connections).await?,
            Work::Bulk { direction: Direction::Down, connections } => {
                crew.hire(connections, |target, meter| async move { bulk::down(target, &meter).await });
            }
            Work::PingPong { connections } => {
                crew.hire(connections, |target, meter| async move { ping_pong::play(target, &meter).await });
            }
            Work::Connect { parallel } => {
                crew.hire(parallel, |target, meter| async move { connect::once(target, &meter).await });
            }
            Work::Handshake { parallel } => crew.handshake(parallel, order)?,
            Work::Http { connections, pace } => crew.request::<HttpLane>(connections, pace)?,
            Work::Grpc { connections, pace } => crew.request::<GrpcLane>(connections, pace)?,
            Work::Idle { .. } => {}
        }
        Ok(crew)
    }

    /// Returns when all workers have come to their end.
    pub(super) async fn dismissed(&mut self) {
        while self.workers.join_next().await.is_some() {}
    }

    async fn bulk_up(&mut self, connections: u32) -> Result<(), LoadError> {
        let run = RandomState::new().hash_one(connections);
        let target = self.target;
        let nothing_worked = |failure: Failure| LoadError::NothingWorked { target, first: failure.words() };
        let mut ledger = Ledger::open(target, run).await.map_err(nothing_worked)?;
        ledger.ask().await.map_err(nothing_worked)?;
        self.ledger = Some(ledger);
        self.meter.works();
        self.hire(connections, move |target, meter| async move { bulk::up(target, run, &meter).await });
        Ok(())
    }

    fn handshake(&mut self, parallel: u32, order: &Order) -> Result<(), LoadError> {
        let cold = order.cold.as_ref().ok_or(LoadError::Order { why: "a handshake needs `cold`" })?;
        let cellar = Arc::new(Cellar::open(cold)?);
        self.hire(parallel, move |target, meter| {
            let cellar = Arc::clone(&cellar);
            async move { cellar.once(target, &meter).await }
        });
        Ok(())
    }

    fn request<L: Lane>(&mut self, connections: u32, pace: Pace) -> Result<(), LoadError> {
        let source = match pace {
            Pace::AsFastAsAnswered => Source::Closed(Arc::clone(&self.meter)),
            Pace::PerSecond(rate) => self.open_loop(rate)?,
        };
        self.hire(connections, move |target, meter| session::<L>(target, source.clone(), meter));
        Ok(())
    }

    fn open_loop(&mut self, rate: u32) -> Result<Source, LoadError> {
        let rate = NonZeroU32::new(rate).ok_or(LoadError::Order { why: "no requests a second are no work" })?;
        let (timetable, pacing) = Timetable::begin(rate, Arc::clone(&self.meter))?;
        self.workers.spawn(pacing);
        self.timetable = Some(Arc::clone(&timetable));
        Ok(Source::Open(timetable))
    }

    /// So many workers, each of which does the same again and again.
    fn hire<F, W>(&mut self, many: u32, work: F)
    where
        F: Fn(SocketAddr, Arc<Meter>) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        for _ in 0..many {
            let (work, target, meter) = (work.clone(), self.target, Arc::clone(&self.meter));
            self.workers.spawn(async move {
                while meter.goes_on() {
                    if let Err(failure) = work(target, Arc::clone(&meter)).await {
                        meter.failed(&failure);
                        sleep(PAUSE).await;
                    }
                }
            });
        }
    }
}

/// How long a worker rests after a failure: what refuses at once would be asked 100,000 times a second.
const PAUSE: Duration = Duration::from_millis(10);
