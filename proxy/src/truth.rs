//! What this proxy knows of the mesh: one snapshot that the feed writes and everybody reads without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bulkhead_identity::tls::CurrentTruth;
use bulkhead_identity::{self as identity, AcceptedIssuers};
use bulkhead_mesh::{Levels, Policy};
use bulkhead_protocol::feed::Position;
use bulkhead_protocol::feed::subscriber::Held;
use tokio::sync::watch;

use crate::sabotage;

/// What is known at one moment. It never changes; a newer one takes its place.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// The rules. `None` before the first snapshot, received or read from the disk: nothing passes then.
    pub policy: Option<Arc<Policy>>,
    /// What peers' certificates are held against. Before the first snapshot no issuer is accepted.
    pub verify: Arc<identity::Truth>,
    /// Up to where in the feed this is known.
    pub position: Option<Position>,
}

/// The newest knowledge, and how old it is.
#[derive(Debug)]
pub struct Truth {
    current: ArcSwap<Knowledge>,
    /// When nothing was missing, in milliseconds on the clock that never jumps; before the machine's start if negative.
    complete_at: AtomicI64,
    levels: watch::Sender<Levels>,
    stored: watch::Sender<()>,
}

impl Knowledge {
    /// What is known before anything was heard.
    pub fn nothing() -> Self {
        Self::of(&Held::default())
    }

    /// What a subscriber holds, in the form in which it is asked for.
    pub(crate) fn of(held: &Held) -> Self {
        let levels = held.policy().map(|policy| policy.levels().clone()).unwrap_or_default();
        let issuers = held.issuers().map(|issuers| issuers.as_ref().clone()).unwrap_or_default();
        let verify =
            identity::Truth { levels, issuers: AcceptedIssuers::Listed(issuers), cutoffs: held.cutoffs().clone() };
        Self {
            policy: held.policy().cloned().map(sabotage::policy),
            verify: Arc::new(verify),
            position: held.position(),
        }
    }

    /// What the CA's own certificates are held against.
    ///
    /// Until a list of issuers has come, only the root is known, and whichever issuer it has signed for the authority
    /// is believed; without that a proxy could never hear its first snapshot. Workloads are not believed by this.
    pub(crate) fn for_the_ca(&self) -> Arc<identity::Truth> {
        let unlisted = matches!(&self.verify.issuers, AcceptedIssuers::Listed(issuers) if issuers.is_empty());
        if !unlisted {
            return Arc::clone(&self.verify);
        }
        let identity::Truth { levels, cutoffs, .. } = self.verify.as_ref().clone();
        Arc::new(identity::Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs })
    }
}

impl Truth {
    /// A truth of which nothing is known yet.
    pub fn new() -> Arc<Self> {
        let current = ArcSwap::from_pointee(Knowledge::nothing());
        let levels = watch::Sender::new(Levels::default());
        Arc::new(Self { current, complete_at: AtomicI64::new(i64::MIN), levels, stored: watch::Sender::new(()) })
    }

    /// The newest knowledge. Whoever decides loads it *after* entering the index of live connections.
    pub fn load(&self) -> Arc<Knowledge> {
        self.current.load_full()
    }

    /// For how long it has not been known that nothing is missing; `boot` is the time since the machine's start.
    pub fn staleness(&self, boot: Duration) -> Duration {
        let age = millis(boot).saturating_sub(self.complete_at.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(age).unwrap_or_default())
    }

    /// The levels of the mesh, as they change.
    pub fn levels(&self) -> watch::Receiver<Levels> {
        self.levels.subscribe()
    }

    /// Told of each newer knowledge, for whoever must look at it again.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.stored.subscribe()
    }

    /// Publishes newer knowledge. The caller sweeps the index of live connections afterwards, never before.
    pub(crate) fn store(&self, knowledge: Knowledge) {
        let levels = knowledge.verify.levels.clone();
        self.current.store(Arc::new(knowledge));
        self.levels.send_if_modified(|known| {
            let changed = *known != levels;
            *known = levels;
            changed
        });
        self.stored.send_replace(());
    }

    /// Notes that `age` ago, seen from `boot`, nothing was missing.
    pub(crate) fn was_complete(&self, age: Duration, boot: Duration) {
        self.complete_at.store(millis(boot).saturating_sub(millis(age)), Ordering::Relaxed);
    }
}

impl CurrentTruth for Truth {
    fn truth(&self) -> Arc<identity::Truth> {
        Arc::clone(&self.current.load().verify)
    }
}

/// The truth for handshakes with the CA, see [`Knowledge::for_the_ca`].
#[derive(Debug)]
pub(crate) struct TruthForTheCa(pub(crate) Arc<Truth>);

impl CurrentTruth for TruthForTheCa {
    fn truth(&self) -> Arc<identity::Truth> {
        self.0.current.load().for_the_ca()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_complete_is_as_stale_as_can_be() {
        let truth = Truth::new();
        assert!(truth.staleness(Duration::from_secs(5)) > Duration::from_hours(24 * 365 * 1000));
    }

    #[test]
    fn staleness_is_counted_from_the_last_complete_moment() {
        let truth = Truth::new();
        truth.was_complete(Duration::from_secs(90), Duration::from_secs(10));
        assert_eq!(truth.staleness(Duration::from_secs(10)), Duration::from_secs(90));
        assert_eq!(truth.staleness(Duration::from_secs(40)), Duration::from_mins(2));
        truth.was_complete(Duration::ZERO, Duration::from_secs(40));
        assert_eq!(truth.staleness(Duration::from_secs(40)), Duration::ZERO);
        assert_eq!(truth.staleness(Duration::from_secs(39)), Duration::ZERO, "a reading from before is no age");
    }

    #[test]
    fn at_first_only_the_ca_is_believed_below_any_issuer() {
        let known = Knowledge::nothing();
        assert_eq!(known.verify.issuers, AcceptedIssuers::from_iter([]));
        assert_eq!(known.for_the_ca().issuers, AcceptedIssuers::AnyBelowRoot);
    }
}
