//! Requests on kept connections, of whatever protocol, in a closed or an open loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failure::Failure;
use super::meter::Meter;
use super::open_loop::Timetable;
use super::wire::FAREWELL;

/// Where one request after the other can go: a connection of HTTP/1.1, or one of the streams of HTTP/2.
pub(super) trait Lane: Sized + Send + 'static {
    /// Connects, and returns all lanes of the new connection. What moves its bytes is put into `drivers`.
    fn open(target: SocketAddr, drivers: &mut JoinSet<()>) -> impl Future<Output = Result<Vec<Self>, Failure>> + Send;

    /// One request and its whole answer; how many bytes applications took.
    fn call(&mut self) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// What says when the next request goes.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// When the one before was answered.
    Closed(Arc<Meter>),
    /// At its own moment.
    Open(Arc<Timetable>),
}

impl Source {
    /// The moment from which the latency of the next request counts; `None` when the time is over.
    async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed(meter) => meter.goes_on().then(Instant::now),
            Self::Open(table) => table.next().await,
        }
    }
}

/// One connection, from its beginning until the time is over or something fails.
pub(super) async fn session<L: Lane>(target: SocketAddr, source: Source, meter: Arc<Meter>) -> Result<(), Failure> {
    let mut drivers = JoinSet::new();
    let mut lanes = JoinSet::new();
    for lane in L::open(target, &mut drivers).await? {
        lanes.spawn(work(lane, source.clone(), Arc::clone(&meter)));
    }
    while let Some(ended) = lanes.join_next().await {
        ended??;
    }
    // The lanes are gone, so the drivers close the connection. What does not come to an end is dropped.
    let closing = async { while drivers.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, closing).await;
    Ok(())
}

async fn work<L: Lane>(mut lane: L, source: Source, meter: Arc<Meter>) -> Result<(), Failure> {
    while let Some(intended) = source.next().await {
        let bytes = lane.call().await?;
        meter.done(intended.elapsed(), bytes);
    }
    Ok(())
}
