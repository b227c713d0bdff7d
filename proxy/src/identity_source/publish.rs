//! What of a source's word is told to everybody, and when it is taken back.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_mesh::{Levels, Timestamp};
use tokio::sync::{mpsc, watch};

use super::Identities;
use super::own::{Own, Svid};
use crate::clocks::SharedClocks;

/// What a source of identity says.
#[derive(Debug)]
pub(super) enum Said {
    /// This is the identity now.
    Identity(Box<Svid>),
    /// There is none any more for whoever asks here (SPIFFE Workload API, section 5: `PermissionDenied`).
    Denied(String),
    /// There is no newer one, and this is why; the one from before serves until it ends.
    Obstacle(String),
}

/// Tells everybody what this workload is.
#[derive(Debug)]
pub(super) struct Publisher {
    levels: watch::Receiver<Levels>,
    clocks: SharedClocks,
    generation: u64,
    svid: watch::Sender<Option<Arc<Svid>>>,
    own: watch::Sender<Option<Arc<Own>>>,
    obstacle: watch::Sender<Option<Arc<str>>>,
}

impl Publisher {
    pub(super) fn new(levels: watch::Receiver<Levels>, clocks: SharedClocks) -> (Self, Identities) {
        let (svid, svids) = watch::channel(None);
        let (own, owns) = watch::channel(None);
        let (obstacle, obstacles) = watch::channel(None);
        let publisher = Self { levels, clocks, generation: 0, svid, own, obstacle };
        (publisher, Identities { svid: svids, own: owns, obstacle: obstacles, unwelcome: watch::Sender::new(None) })
    }

    /// Publishes until the source's word comes no more.
    pub(super) async fn run(mut self, mut words: mpsc::Receiver<Said>) {
        loop {
            let end = self.svid.borrow().as_ref().map_or(Timestamp::MAX, |svid| just_after(svid.not_after()));
            tokio::select! {
                word = words.recv() => match word {
                    Some(Said::Identity(svid)) => self.take(*svid),
                    Some(Said::Denied(reason)) => {
                        self.withdraw(&reason);
                        self.note(reason);
                    }
                    Some(Said::Obstacle(reason)) => self.note(reason),
                    None => return,
                },
                () = self.clocks.until(end) => self.withdraw("it has ended and there is no newer one"),
                Ok(()) = self.levels.changed() => self.tell(),
            }
        }
    }

    /// Takes what has not ended yet, or stays with what was there before.
    fn take(&mut self, svid: Svid) {
        if self.clocks.now() > svid.not_after() {
            tracing::error!(id = %svid.id(), not_after = %svid.not_after(), "the certificate that was given has ended");
        } else {
            self.obstacle.send_replace(None);
            self.renew(svid);
        }
    }

    fn renew(&mut self, svid: Svid) {
        if self.svid.borrow().as_ref().is_some_and(|known| known.is(&svid)) {
            return;
        }
        tracing::info!(id = %svid.id(), not_after = %svid.not_after(), "this workload has a certificate");
        self.generation += 1;
        self.svid.send_replace(Some(Arc::new(svid.of_generation(self.generation))));
        self.tell();
    }

    /// Reads the label with the levels that are known now. One that has no name in this mesh is no identity.
    fn tell(&mut self) {
        let levels = self.levels.borrow_and_update().clone();
        let read = self.svid.borrow().as_ref().map(|svid| Own::new(svid, &levels));
        let own = read.transpose().unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "the own label is not one of the levels known so far");
            None
        });
        self.own.send_replace(own.map(Arc::new));
    }

    fn note(&self, obstacle: String) {
        self.obstacle.send_replace(Some(obstacle.into()));
    }

    fn withdraw(&mut self, reason: &str) {
        if self.svid.send_replace(None).is_some() {
            tracing::error!(reason, "this workload has no certificate any more; nothing passes");
        }
        self.own.send_replace(None);
    }
}

/// RFC 5280, section 4.1.2.5: a certificate is still valid at its notAfter.
fn just_after(not_after: Timestamp) -> Timestamp {
    not_after.plus(Duration::from_millis(1))
}
