//! The gate to the index of live connections: whatever opens comes through here, and whatever changes is enforced here.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::Timestamp;
use tokio::sync::watch;

use crate::clocks::SharedClocks;
use crate::identity_source::Own;
use crate::live::{Live, Seat};
use crate::subject::{Cut, Subject, judge};
use crate::truth::{Knowledge, Truth};

/// The index of everything open, with all that is needed to judge it.
#[derive(Clone, Debug)]
pub struct Registry {
    live: Arc<Live<Subject, Cut>>,
    truth: Arc<Truth>,
    own: watch::Receiver<Option<Arc<Own>>>,
    clocks: SharedClocks,
}

/// What things are judged by, as it stood at one moment.
#[derive(Clone, Debug)]
pub struct Standard {
    /// What this workload is; nothing passes while it is nobody.
    pub own: Option<Arc<Own>>,
    /// What is known of the mesh.
    pub knowledge: Arc<Knowledge>,
    /// How old that is.
    pub staleness: Duration,
    /// The time.
    pub now: Timestamp,
}

impl Registry {
    /// The gate to an empty index.
    pub fn new(truth: Arc<Truth>, own: watch::Receiver<Option<Arc<Own>>>, clocks: SharedClocks) -> Self {
        Self { live: Live::new(), truth, own, clocks }
    }

    /// Enters what is about to open, and judges it then. The seat's owner may open it while the seat is not cut.
    ///
    /// Entering comes first: a change that is published before the judgement is seen by it, one that is published
    /// after it sweeps the seat. The other way round, a change in between would be missed by both.
    pub fn enter(&self, subject: Subject) -> Result<(Seat<Subject, Cut>, Standard), Cut> {
        let seat = self.live.enter(subject);
        let standard = self.standard();
        match standard.judge(seat.subject()) {
            Some(cut) => Err(cut),
            None => Ok((seat, standard)),
        }
    }

    /// What things are judged by now.
    pub fn standard(&self) -> Standard {
        let now = self.clocks.now();
        let staleness = self.truth.staleness(self.clocks.boot());
        Standard { own: self.own.borrow().clone(), knowledge: self.truth.load(), staleness, now }
    }

    /// The index itself.
    pub fn live(&self) -> &Arc<Live<Subject, Cut>> {
        &self.live
    }

    /// Cuts everything, for the proxy is stopping.
    pub fn drain(&self) -> usize {
        self.live.sweep(|_| Some(Cut::Drained))
    }

    /// Cuts what may not be any longer; how many there were.
    pub(crate) fn sweep(&self, standard: &Standard) -> usize {
        self.live.sweep(|subject| standard.judge(subject))
    }

    /// Cuts that whose certificate has ended: a comparison for each, cheap enough for every second.
    pub(crate) fn sweep_ended(&self) -> usize {
        let now = self.clocks.now();
        self.live
            .sweep(|subject| subject.peer.as_ref().is_some_and(|peer| now > peer.not_after()).then_some(Cut::Expired))
    }

    /// Waits until the index holds nothing that may not be.
    pub(crate) async fn until_clean(&self, standard: &Standard) {
        self.live.until_none(|subject| standard.judge(subject).is_some()).await;
    }
}

impl Standard {
    /// Why this must be cut, if it must.
    pub fn judge(&self, subject: &Subject) -> Option<Cut> {
        match &self.own {
            Some(own) => judge(subject, own, &self.knowledge, self.staleness, self.now),
            None => Some(Cut::NoIdentity),
        }
    }
}
