//! Noticing a dead peer: a ping when nothing was received for a while, and a verdict when nothing follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, timeout};

use super::TunnelLimits;

/// When the peer was last heard, on the monotonic clock.
#[derive(Debug)]
pub(super) struct LastHeard {
    start: Instant,
    millis: AtomicU64,
}

impl LastHeard {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), millis: AtomicU64::new(0) })
    }

    /// The peer is heard now.
    pub(super) fn now(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn at(&self) -> Instant {
        self.start + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

/// Returns when the peer has fallen silent.
///
/// A peer that is busy sending is alive: it is not pinged, and an answer that queues behind its data on a slow path is
/// waited for as long as the data comes.
pub(super) async fn until_silent(mut ping: PingPong, heard: Arc<LastHeard>, limits: TunnelLimits) {
    loop {
        tokio::time::sleep_until(heard.at() + limits.ping_after).await;
        if heard.at().elapsed() < limits.ping_after {
            continue;
        }
        let asked = Instant::now();
        if ping.send_ping(Ping::opaque()).is_err() || !answered(&mut ping, &heard, asked, limits.ping_limit).await {
            return;
        }
    }
}

/// Whether the answer came before a whole `limit` passed without a byte.
async fn answered(ping: &mut PingPong, heard: &LastHeard, asked: Instant, limit: Duration) -> bool {
    let mut since = asked;
    loop {
        let left = limit.saturating_sub(since.elapsed());
        match timeout(left, std::future::poll_fn(|cx| ping.poll_pong(cx))).await {
            Ok(Ok(_)) => return true,
            // The connection is ending, and its driver says how.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) if heard.at() > since => since = heard.at(),
            Err(_) => return false,
        }
    }
}
