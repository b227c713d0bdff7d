//! The tunnels to one peer.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_identity::VerifiedPeer;
use bulkhead_mesh::Timestamp;

use crate::clocks::SharedClocks;
use crate::tunnel::client::H2Tunnel;
use crate::tunnel::{Connect, H2Stream, OpenError, Tunnel};

/// The tunnels to one peer, and the turn of whoever opens another one.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    tunnels: Mutex<Vec<Arc<Pooled>>>,
    /// Held while a tunnel is opened: whoever waits for it finds the tunnel instead of opening one more.
    pub(super) creator: tokio::sync::Mutex<()>,
}

/// A tunnel in the pool.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) tunnel: H2Tunnel,
    pub(super) peer: Arc<VerifiedPeer>,
    /// From then on new connections go to a younger tunnel, over which the peer has proved itself again.
    pub(super) fresh_until: Timestamp,
    clocks: SharedClocks,
    users: AtomicUsize,
    /// When the last user left, in milliseconds on the clock that never jumps.
    idle_since: AtomicU64,
}

/// The right of one connection to a tunnel: while it lives, the tunnel is not idle.
#[derive(Debug)]
pub struct Link(Arc<Pooled>);

impl Bucket {
    /// A tunnel with room for one more connection.
    pub(super) fn link(&self, now: Timestamp) -> Option<Link> {
        let tunnels = self.lock();
        let usable = |pooled: &&Arc<Pooled>| now < pooled.fresh_until && pooled.tunnel.room() > 0;
        tunnels.iter().find(usable).map(Link::to)
    }

    /// How many tunnels take connections, or did.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Puts a tunnel here, with its first user.
    ///
    /// The peer's label is part of what a tunnel is: where it has changed, those of the old label take no more.
    pub(super) fn add(&self, pooled: Arc<Pooled>) -> Link {
        let link = Link::to(&pooled);
        let mut tunnels = self.lock();
        tunnels.retain(|other| {
            let same = other.peer.label() == pooled.peer.label();
            if !same {
                other.tunnel.control().drain();
            }
            same
        });
        tunnels.push(pooled);
        link
    }

    /// Takes this tunnel out; whoever uses it keeps it.
    pub(super) fn forget(&self, pooled: &Arc<Pooled>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, pooled));
    }

    /// Takes those out, and lets them end in order, that `over` picks; says whether none is left.
    pub(super) fn drain(&self, over: impl Fn(&Pooled) -> bool) -> bool {
        let mut tunnels = self.lock();
        tunnels.retain(|pooled| {
            let over = over(pooled);
            if over {
                pooled.tunnel.control().drain();
            }
            !over
        });
        tunnels.is_empty()
    }

    /// Since when nobody uses any of the tunnels; `None` while somebody does, or while one is being opened.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let _free = self.creator.try_lock().ok()?;
        let tunnels = self.lock();
        let since: Option<Vec<u64>> = tunnels.iter().map(|pooled| pooled.idle_since()).collect();
        since.map(|since| since.into_iter().max().unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Pooled>>> {
        // Every statement under the lock leaves it whole, so a panic elsewhere does not spoil it.
        self.tunnels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pooled {
    pub(super) fn new(
        tunnel: H2Tunnel,
        peer: Arc<VerifiedPeer>,
        fresh_until: Timestamp,
        clocks: SharedClocks,
    ) -> Arc<Self> {
        let (users, idle_since) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { tunnel, peer, fresh_until, clocks, users, idle_since })
    }

    /// Whether nobody has used it for this long.
    pub(super) fn is_idle(&self, for_long: Duration, boot: Duration) -> bool {
        self.idle_since().is_some_and(|since| millis(boot) >= since.saturating_add(millis(for_long)))
    }

    fn idle_since(&self) -> Option<u64> {
        (self.users.load(Ordering::Acquire) == 0).then(|| self.idle_since.load(Ordering::Relaxed))
    }
}

impl Link {
    fn to(pooled: &Arc<Pooled>) -> Self {
        pooled.users.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(pooled))
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Arc<VerifiedPeer> {
        &self.0.peer
    }

    /// Asks the peer to connect.
    pub async fn open(&self, connect: &Connect) -> Result<H2Stream, OpenError> {
        self.0.tunnel.open(connect).await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.idle_since.store(millis(self.0.clocks.boot()), Ordering::Relaxed);
        self.0.users.fetch_sub(1, Ordering::AcqRel);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
