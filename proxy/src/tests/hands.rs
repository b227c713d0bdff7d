//! The part of the CA, the feed and the agent, played by hand for one proxy.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulkhead_identity as identity;
use bulkhead_mesh::{Mode, Resolution, Timestamp};
use bulkhead_protocol::feed::subscriber::Lookup;
use tokio::sync::watch;

use super::support::within;
use crate::clocks::Clocks as _;
use crate::directory::{Directory, DirectoryLimits};
use crate::identity_source::Own;
use crate::registry::Registry;
use crate::testing::ca::node_cutoff;
use crate::testing::certificates::Mesh;
use crate::testing::clock::TestClocks;
use crate::testing::{knowledge, policy};
use crate::truth::{Knowledge, Truth};

/// What one proxy is told, and by whom it is told.
pub(crate) struct Hands {
    pub(crate) own: watch::Sender<Option<Arc<Own>>>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) registry: Registry,
    pub(crate) clocks: Arc<TestClocks>,
    pub(crate) directory: Directory,
    answers: Arc<Answers>,
    mesh: Arc<Mesh>,
}

#[derive(Default)]
struct Answers {
    kept: Mutex<HashMap<IpAddr, Resolution>>,
    fresh: Mutex<HashMap<IpAddr, Resolution>>,
    asked_afresh: AtomicUsize,
}

impl Hands {
    /// Nothing was told yet.
    pub(crate) fn new(mesh: &Arc<Mesh>, mode: Mode) -> Self {
        let (own, truth, clocks) = (watch::Sender::new(None), Truth::new(), TestClocks::new());
        let registry = Registry::new(Arc::clone(&truth), own.subscribe(), Arc::clone(&clocks) as _).in_mode(mode);
        let answers = Arc::<Answers>::default();
        let directory = answering(Arc::clone(&answers));
        Self { own, truth, registry, clocks, directory, answers, mesh: Arc::clone(mesh) }
    }

    /// Says what the policy is, and that nothing is cut off.
    pub(crate) fn policy(&self, json: &str) {
        self.know(knowledge(&self.mesh, &policy(json)));
    }

    /// Says that a node is cut off, and waits until nothing that is open is bound to it; how much was cut.
    pub(crate) async fn cut_off_node(&self, node: &str) -> usize {
        let before = self.truth.load();
        let mut verify: identity::Truth = before.verify.as_ref().clone();
        verify.cutoffs.insert(node_cutoff(node));
        self.know(Knowledge { verify: Arc::new(verify), ..Knowledge::clone(&before) });
        let cut = self.registry.sweep(&self.registry.standard());
        within("everything void to be closed", self.registry.until_clean()).await;
        cut
    }

    /// Lets the clock show this moment, and judges what is open as the feed does every second; how much was cut.
    pub(crate) fn wait_until(&self, moment: Timestamp) -> usize {
        self.clocks.hear(moment);
        self.registry.sweep(&self.registry.standard())
    }

    /// Says who is at an address.
    pub(crate) fn at(&self, address: IpAddr, resolution: Resolution) {
        self.answers.kept.lock().unwrap().insert(address, resolution.clone());
        self.answers.fresh.lock().unwrap().insert(address, resolution);
    }

    /// Says who is at an address to whoever asks afresh; others are told what was known before.
    pub(crate) fn in_truth_at(&self, address: IpAddr, resolution: Resolution) {
        self.answers.fresh.lock().unwrap().insert(address, resolution);
    }

    /// How often it was asked afresh.
    pub(crate) fn asked_afresh(&self) -> usize {
        self.answers.asked_afresh.load(Ordering::Relaxed)
    }

    fn know(&self, knowledge: Knowledge) {
        self.truth.store(knowledge);
        self.truth.was_complete(Duration::ZERO, self.clocks.boot());
    }
}

fn answering(answers: Arc<Answers>) -> Directory {
    let (directory, mut desk) = Directory::new(DirectoryLimits { known: 0, ..DirectoryLimits::default() });
    tokio::spawn(async move {
        loop {
            let question = desk.next().await;
            let table = match question.how {
                Lookup::Cached => &answers.kept,
                Lookup::Afresh => {
                    answers.asked_afresh.fetch_add(1, Ordering::Relaxed);
                    &answers.fresh
                }
            };
            let known = table.lock().unwrap().get(&question.address).cloned().unwrap_or(Resolution::Unknown);
            desk.answer(question, Some(&known));
        }
    });
    directory
}
