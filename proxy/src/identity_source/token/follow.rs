//! The loop that joins the schedule to the files, the clocks, the feed and the CA.

use std::sync::Arc;

use bulkhead_daemon::chain;
use bulkhead_identity::{StoredIdentity, TrustBundle};
use bulkhead_mesh::SpiffeId;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::TokenSource;
use super::attempt::{AttemptError, ask};
use super::held::{Held, HeldError, Standard};
use super::keeper::Keeper;
use super::schedule::Schedule;
use crate::clocks::SharedClocks;
use crate::dice;
use crate::identity_source::Svid;
use crate::identity_source::publish::Said;
use crate::truth::Truth;

/// Everything that one attempt leaves to the next.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    source: TokenSource,
    expected: Option<SpiffeId>,
    truth: Arc<Truth>,
    changes: watch::Receiver<()>,
    unwelcome: watch::Receiver<Option<Arc<Svid>>>,
    clocks: SharedClocks,
    keeper: Keeper,
    says: &'a mpsc::Sender<Said>,
    schedule: Schedule,
    /// What an earlier run has kept, until the roots can be read and it is used or not.
    kept: Option<StoredIdentity>,
    held: Option<Held>,
    /// Whether what is held was cut off, which is said and acted on once.
    is_void: bool,
    /// The roots, or the lack of them, about which enough was said.
    strange: Option<Result<TrustBundle, String>>,
}

enum Event {
    Due,
    Truth,
    Unwelcome,
    Roots,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        source: TokenSource,
        expected: Option<SpiffeId>,
        (truth, unwelcome): (Arc<Truth>, watch::Receiver<Option<Arc<Svid>>>),
        clocks: SharedClocks,
        says: &'a mpsc::Sender<Said>,
    ) -> Self {
        let (changes, keeper) = (truth.changes(), Keeper::new(&source.state));
        let kept = keeper.read();
        Self {
            source,
            expected,
            truth,
            changes,
            unwelcome,
            clocks,
            keeper,
            says,
            schedule: Schedule::new(),
            kept,
            held: None,
            is_void: false,
            strange: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut look = looks(&self.source);
        while !self.says.is_closed() {
            let event = tokio::select! {
                () = self.clocks.until(self.schedule.wake_at()) => Event::Due,
                Ok(()) = self.changes.changed() => Event::Truth,
                Ok(()) = self.unwelcome.changed() => Event::Unwelcome,
                _ = look.tick() => Event::Roots,
            };
            match event {
                Event::Due if self.schedule.asks(self.clocks.now()) => self.attempt().await,
                Event::Due => {}
                Event::Truth => self.look_at_cutoffs(),
                Event::Unwelcome => self.look_at_the_unwelcome(),
                Event::Roots => self.look_at_roots().await,
            }
        }
    }

    async fn attempt(&mut self) {
        match self.next().await {
            Ok(held) => self.take(held).await,
            Err(error) => self.failed(&error).await,
        }
    }

    /// What was kept if it is of use, else what the CA answers.
    async fn next(&mut self) -> Result<Held, AttemptError> {
        let bundle = Arc::new(self.source.roots.read()?);
        if let Some(held) = self.kept.take().and_then(|kept| self.reuse(kept, &bundle)) {
            self.schedule.found(held.lifetime(), self.clocks.now(), dice::jitter());
            return Ok(held);
        }
        let stored = ask(&self.source, &bundle, &self.truth, &self.clocks).await?;
        let held = self.hold(stored, &bundle)?;
        self.keeper.keep(held.stored.clone()).await;
        self.schedule.issued(held.lifetime(), self.clocks.now(), dice::jitter());
        Ok(held)
    }

    fn hold(&self, stored: StoredIdentity, bundle: &Arc<TrustBundle>) -> Result<Held, HeldError> {
        let (expected, truth) = (self.expected.as_ref(), self.truth.load());
        let standard = Standard { bundle, expected, cutoffs: &truth.verify.cutoffs, now: self.clocks.now() };
        Held::new(stored, standard)
    }

    fn reuse(&self, kept: StoredIdentity, bundle: &Arc<TrustBundle>) -> Option<Held> {
        match self.hold(kept, bundle) {
            Ok(held) => {
                tracing::info!(id = %held.svid.id(), "the certificate of an earlier run serves on");
                Some(held)
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "the kept certificate is not used");
                if error.is_damage() {
                    self.keeper.set_aside();
                }
                None
            }
        }
    }

    async fn take(&mut self, held: Held) {
        self.is_void = false;
        self.show(held).await;
        // The feed may have said something while the CA was asked.
        self.look_at_cutoffs();
    }

    async fn show(&mut self, held: Held) {
        let svid = Box::new(held.svid.clone());
        self.held = Some(held);
        // A closed channel ends the loop.
        let _ = self.says.send(Said::Identity(svid)).await;
    }

    async fn failed(&mut self, error: &AttemptError) {
        let (now, jitter, refused) = (self.clocks.now(), dice::jitter(), error.is_refusal());
        if refused {
            self.schedule.refused(now, jitter);
        } else {
            self.schedule.failed(now, jitter);
        }
        let (next, hint) = (self.schedule.wake_at(), error.hint());
        if refused {
            tracing::error!(error = chain(error), %next, "this workload gets no certificate");
        } else {
            tracing::warn!(error = chain(error), hint, %next, "no certificate yet; trying again");
        }
        let _ = self.says.send(Said::Obstacle(chain(error))).await;
    }

    /// Relabelling is a cutoff and a new issue: who is cut off asks at once. It may be a revocation as well; then the CA
    /// refuses, and says so.
    fn look_at_cutoffs(&mut self) {
        let truth = self.truth.load();
        let cutoff = self.held.as_ref().and_then(|held| held.cutoff(&truth.verify.cutoffs));
        if let Some(cutoff) = cutoff.filter(|_| !self.is_void) {
            tracing::warn!(%cutoff, "the own certificate was cut off; another one is asked for");
            self.is_void = true;
            self.schedule.hurry();
        }
    }

    /// The CA cuts a stream off before it says on it that its holder is cut off: so the CA's refusal counts as much.
    fn look_at_the_unwelcome(&mut self) {
        let shown = self.unwelcome.borrow_and_update().clone();
        let is_held =
            |held: &Held| shown.as_ref().is_some_and(|shown| shown.identity.chain() == held.svid.identity.chain());
        if self.held.as_ref().is_some_and(is_held) && !self.is_void {
            tracing::warn!("the CA does not take the own certificate any more; another one is asked for");
            self.is_void = true;
            self.schedule.hurry();
        }
    }

    /// Takes in roots that were changed, when they vouch for what is held. When they do not, what is held serves on until
    /// the CA has proved itself under them and given another.
    async fn look_at_roots(&mut self) {
        // Without a certificate that is worth something an attempt is near, and reads them.
        let lasts = |held: &&Held| self.clocks.now() <= held.svid.not_after();
        let Some(held) = self.held.as_ref().filter(lasts).filter(|_| !self.is_void) else { return };
        let (stored, known) = (held.stored.clone(), &held.svid.bundle);
        match self.source.roots.read() {
            Ok(bundle) if bundle == **known => self.strange = None,
            Ok(bundle) => match self.hold(stored, &Arc::new(bundle.clone())) {
                Ok(held) => {
                    tracing::info!(roots = bundle.roots().len(), "the roots of the mesh have changed");
                    self.strange = None;
                    self.show(held).await;
                }
                Err(error) => self.wonder(Ok(bundle), &chain(&error)),
            },
            Err(error) => self.wonder(Err(chain(&error)), &chain(&error)),
        }
    }

    /// Says once what is wrong with the roots.
    fn wonder(&mut self, roots: Result<TrustBundle, String>, problem: &str) {
        let strange = Some(roots);
        if self.strange == strange {
            return;
        }
        tracing::error!(problem, "the roots on the disk are not taken; the ones from before serve on");
        if let Some(Ok(_)) = strange {
            self.schedule.hurry();
        }
        self.strange = strange;
    }
}

fn looks(source: &TokenSource) -> Interval {
    let mut looks = interval(source.look_at_roots_every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}
