//! The feed's side of the directory: questions come in, and what is known goes into the table that everybody reads.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bulkhead_mesh::Resolution;
use bulkhead_protocol::feed::subscriber::Lookup;
use tokio::sync::{mpsc, oneshot};

use super::DirectoryLimits;

/// Somebody waits for what stands at an address.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) address: IpAddr,
    pub(crate) how: Lookup,
    pub(super) answer: oneshot::Sender<Resolution>,
}

/// Where the feed takes questions and leaves answers.
#[derive(Debug)]
pub(crate) struct Desk {
    limits: DirectoryLimits,
    known: Arc<Known>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) waiting: HashMap<IpAddr, Vec<oneshot::Sender<Resolution>>>,
}

/// The answers that are at hand, each with whether it was asked for lately.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<HashMap<IpAddr, Entry>>);

#[derive(Debug)]
struct Entry {
    resolution: Resolution,
    used: AtomicBool,
}

impl Desk {
    pub(super) fn new(limits: DirectoryLimits, questions: mpsc::Receiver<Question>) -> Self {
        Self { limits, known: Arc::default(), questions, waiting: HashMap::new() }
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// The next question; never, once everybody who could ask is gone.
    pub(crate) async fn next(&mut self) -> Question {
        match self.questions.recv().await {
            Some(question) => question,
            None => std::future::pending().await,
        }
    }

    /// Answers a question at once, or lets it wait for [`Desk::resolved`] while there is room.
    pub(crate) fn answer(&mut self, question: Question, known: Option<&Resolution>) {
        let Question { address, answer, .. } = question;
        if let Some(resolution) = known {
            self.keep(address, resolution);
            // Who asked may have given up, which is no loss.
            let _ = answer.send(resolution.clone());
        } else if self.waiting.values().map(Vec::len).sum::<usize>() < self.limits.waiting {
            self.waiting.entry(address).or_default().push(answer);
        }
    }

    /// The CA has said what stands at an address, now or from now on.
    pub(crate) fn resolved(&mut self, address: IpAddr, resolution: &Resolution) {
        for answer in self.waiting.remove(&address).unwrap_or_default() {
            let _ = answer.send(resolution.clone());
        }
        self.keep(address, resolution);
    }

    /// The CA will not say any more when something changes at this address.
    pub(crate) fn forget(&self, address: IpAddr) {
        self.known.write().remove(&address);
    }

    /// Forgets what was not asked for since the last time, and who waits no longer; returns the addresses in use, which
    /// the feed must not let go of.
    pub(crate) fn review(&mut self) -> Vec<IpAddr> {
        self.waiting.retain(|_, answers| {
            answers.retain(|answer| !answer.is_closed());
            !answers.is_empty()
        });
        let mut known = self.known.write();
        known.retain(|_, entry| entry.used.swap(false, Ordering::Relaxed));
        known.keys().copied().collect()
    }

    /// With the table full a further answer is asked for each time, which costs a round trip to the feed's task only.
    fn keep(&self, address: IpAddr, resolution: &Resolution) {
        let mut known = self.known.write();
        if known.len() < self.limits.known || known.contains_key(&address) {
            let entry = Entry { resolution: resolution.clone(), used: AtomicBool::new(true) };
            known.insert(address, entry);
        }
    }
}

impl Known {
    pub(super) fn get(&self, address: IpAddr) -> Option<Resolution> {
        let known = self.read();
        let entry = known.get(&address)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(entry.resolution.clone())
    }

    /// Every change is one insertion or removal, so a panic elsewhere leaves a whole table behind.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<IpAddr, Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<IpAddr, Entry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
