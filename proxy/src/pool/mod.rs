//! The tunnels to other proxies: opened once, used by many connections, gone as soon as they are cut or idle.
//!
//! A tunnel is found again by everything that made it what it is: the generation of the own certificate, the peer's
//! identity, node, epoch and instance, and the address. Its label is the verified peer's, on which every connection in
//! it is decided. A renewed certificate is another generation: new connections get new tunnels, and the old ones end
//! with their last connection.

mod bucket;
mod error;
mod open;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_daemon::Stop;
use bulkhead_mesh::{Direction, Entry, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use bucket::Link;
pub use error::LinkError;

use crate::identity_source::Own;
use crate::metrics::Open;
use crate::sidecar::Sidecar;
use crate::tunnel::{Closed, Tunnel};
use bucket::{Bucket, Pooled};
use open::Opened;

/// All tunnels that this proxy has opened; clones are the same pool.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sidecar: Arc<Sidecar>,
    buckets: Mutex<HashMap<Key, Arc<Bucket>>>,
    drivers: mpsc::UnboundedSender<Driver>,
}

/// Owns the tasks that move the tunnels' bytes.
#[derive(Debug)]
pub struct PoolRunner {
    pool: Pool,
    drivers: mpsc::UnboundedReceiver<Driver>,
}

/// What makes two tunnels the same to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    generation: u64,
    entry: Entry,
    to: SocketAddr,
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Pool {
    /// An empty pool, and what must run for its tunnels to live.
    pub fn new(sidecar: Arc<Sidecar>) -> (Self, PoolRunner) {
        let (sender, drivers) = mpsc::unbounded_channel();
        let pool = Self(Arc::new(Shared { sidecar, buckets: Mutex::default(), drivers: sender }));
        (pool.clone(), PoolRunner { pool, drivers })
    }

    /// A tunnel with room to whoever proves to be `entry` at `to`: one that is open, or else a new one.
    pub async fn link(&self, own: &Own, entry: &Entry, to: SocketAddr) -> Result<Link, LinkError> {
        let key = Key { generation: own.generation, entry: entry.clone(), to };
        let bucket = self.bucket(&key)?;
        if let Some(link) = bucket.link(self.now()) {
            return Ok(link);
        }
        let _turn = bucket.creator.lock().await;
        if let Some(link) = bucket.link(self.now()) {
            return Ok(link);
        }
        self.check_room(&bucket)?;
        let opened = open::open(&self.0.sidecar, own, entry, to).await;
        let opened = opened.inspect_err(|error| self.count_failure(error))?;
        Ok(self.keep(key, &bucket, opened))
    }

    /// How many tunnels take connections.
    pub fn len(&self) -> usize {
        self.0.lock().values().map(|bucket| bucket.len()).sum()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> Timestamp {
        self.0.sidecar.clocks.now()
    }

    fn bucket(&self, key: &Key) -> Result<Arc<Bucket>, LinkError> {
        let mut buckets = self.0.lock();
        if let Some(bucket) = buckets.get(key) {
            return Ok(Arc::clone(bucket));
        }
        if buckets.len() >= self.0.sidecar.limits.peers && !make_room(&mut buckets) {
            return Err(LinkError::Peers { peers: buckets.len() });
        }
        Ok(Arc::clone(buckets.entry(key.clone()).or_default()))
    }

    fn check_room(&self, bucket: &Bucket) -> Result<(), LinkError> {
        let tunnels = bucket.len();
        let may = tunnels < self.0.sidecar.limits.tunnels_per_peer;
        may.then_some(()).ok_or(LinkError::TunnelsPerPeer { tunnels })
    }

    fn count_failure(&self, error: &LinkError) {
        if let Some(failure) = error.handshake() {
            self.0.sidecar.metrics.handshake_refused(Direction::Outbound, failure);
        }
    }

    /// Takes a new tunnel into the pool, and hands its driver to the runner.
    fn keep<D>(&self, key: Key, bucket: &Arc<Bucket>, opened: Opened<D>) -> Link
    where
        D: Future<Output = Closed> + Send + 'static,
    {
        let now = self.now();
        // Half of what is left: peers renew after a third of a certificate's life, so the next tunnel shows a new one.
        let fresh = opened.peer.not_after().since(now) / 2;
        let clocks = Arc::clone(&self.0.sidecar.clocks);
        let pooled = Pooled::new(opened.tunnel.clone(), Arc::clone(&opened.peer), now.plus(fresh), clocks);
        let link = bucket.add(Arc::clone(&pooled));
        let open = self.0.sidecar.metrics.tunnel(Direction::Outbound);
        let driving = drive(Arc::clone(&self.0), key, pooled, opened, open);
        // The runner is gone only when the proxy is ending; without it the tunnel ends at once.
        let _ = self.0.drivers.send(Box::pin(driving));
        link
    }
}

impl PoolRunner {
    /// Drives the tunnels, and lets idle and outdated ones end. When stopped, lets all end with their last connection.
    pub async fn run(self, stop: Stop) {
        let Self { pool, mut drivers } = self;
        let mut own = pool.0.sidecar.own.clone();
        let mut running = JoinSet::new();
        let mut tick = tokio::time::interval(pool.tick());
        loop {
            tokio::select! {
                () = stop.stopped() => break,
                Some(driver) = drivers.recv() => drop(running.spawn(driver)),
                Some(_) = running.join_next() => {}
                _ = tick.tick() => pool.drain_idle(),
                Ok(()) = own.changed() => pool.drain_idle(),
            }
        }
        drivers.close();
        while let Some(driver) = drivers.recv().await {
            running.spawn(driver);
        }
        pool.drain_all();
        while running.join_next().await.is_some() {}
    }
}

impl Pool {
    fn tick(&self) -> Duration {
        (self.0.sidecar.limits.idle / 4).max(Duration::from_millis(10))
    }

    fn drain_idle(&self) {
        let boot = self.0.sidecar.clocks.boot();
        let (now, idle) = (self.now(), self.0.sidecar.limits.idle);
        let generation = self.0.sidecar.own.borrow().as_ref().map(|own| own.generation);
        self.drain(|key, pooled| {
            Some(key.generation) != generation || now >= pooled.fresh_until || pooled.is_idle(idle, boot)
        });
    }

    fn drain_all(&self) {
        self.drain(|_, _| true);
    }

    fn drain(&self, over: impl Fn(&Key, &Pooled) -> bool) {
        self.0.lock().retain(|key, bucket| {
            let empty = bucket.drain(|pooled| over(key, pooled));
            // Somebody who holds the bucket is about to put a tunnel into it.
            !empty || Arc::strong_count(bucket) > 1
        });
    }
}

impl Shared {
    fn forget(&self, key: &Key, pooled: &Arc<Pooled>) {
        let mut buckets = self.lock();
        let Some(bucket) = buckets.get(key) else { return };
        bucket.forget(pooled);
        if bucket.len() == 0 && Arc::strong_count(bucket) == 1 {
            buckets.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Bucket>>> {
        // Every statement under the lock leaves it whole, so a panic elsewhere does not spoil it.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves a tunnel's bytes until it ends or is cut, and then takes it out of the pool.
async fn drive<D: Future<Output = Closed>>(
    pool: Arc<Shared>,
    key: Key,
    pooled: Arc<Pooled>,
    opened: Opened<D>,
    open: Open,
) {
    let Opened { tunnel, seat, driver, peer } = opened;
    let control = tunnel.control().clone();
    // The pool and its users hold the tunnel; from here on it may end when they have let go.
    drop(tunnel);
    let mut driver = Box::pin(driver);
    let closed = tokio::select! {
        biased;
        cut = seat.cut() => {
            pool.forget(&key, &pooled);
            tracing::info!(direction = "outbound", peer = %peer.id(), to = %key.to, reason = cut.as_str(), detail = %cut, "tunnel cut");
            control.cut();
            driver.await
        }
        closed = &mut driver => closed,
    };
    pool.forget(&key, &pooled);
    tracing::debug!(direction = "outbound", peer = %peer.id(), to = %key.to, reason = %closed, "tunnel closed");
    drop(open);
    // Last: the driver is done, so the socket is closed.
    drop(seat);
}

/// Lets the tunnels of the longest idle peer end; says whether there was one.
fn make_room(buckets: &mut HashMap<Key, Arc<Bucket>>) -> bool {
    let idle = buckets.iter().filter(|(_, bucket)| Arc::strong_count(bucket) == 1);
    let longest = idle
        .filter_map(|(key, bucket)| bucket.idle_since().map(|since| (since, key.clone())))
        .min_by_key(|(since, _)| *since);
    let bucket = longest.and_then(|(_, key)| buckets.remove(&key));
    bucket.map(|bucket| bucket.drain(|_| true)).is_some()
}
