//! The set of workloads that are served: always the set that the CA told last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bulkhead_daemon::{Stop, chain};
use bulkhead_mesh::InstanceId;
use bulkhead_protocol::convert::Registration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use crate::host::Host;
use crate::offer::Ended;
use crate::workload::Workload;

/// The registrations of this node; `None` until they are known.
pub type Told = Option<Arc<[Registration]>>;

/// The workloads that are served now.
#[derive(Debug)]
pub struct Workloads {
    host: Arc<Host>,
    served: HashMap<InstanceId, Served>,
}

#[derive(Debug)]
struct Served {
    registration: Registration,
    end: watch::Sender<Option<Ended>>,
    task: JoinHandle<()>,
}

impl Workloads {
    /// None yet.
    pub fn new(host: Arc<Host>) -> Self {
        Self { host, served: HashMap::new() }
    }

    /// Serves what is told until stopped; then every client is told that the agent stops.
    pub async fn follow(mut self, mut told: watch::Receiver<Told>, stop: Stop) {
        loop {
            let registrations = told.borrow_and_update().clone();
            if let Some(registrations) = registrations {
                self.apply(&registrations).await;
            }
            tokio::select! {
                () = stop.stopped() => break,
                changed = told.changed() => if changed.is_err() { break },
            }
        }
        let all = self.served.keys().copied().collect();
        self.end(all, Ended::Stopping).await;
    }

    /// Ends what is not told any more, or told differently, before anything new begins.
    async fn apply(&mut self, registrations: &[Registration]) {
        let unchanged = |served: &Served| registrations.contains(&served.registration);
        let over = self.served.iter().filter(|(_, served)| !unchanged(served)).map(|(id, _)| *id).collect();
        self.end(over, Ended::Removed).await;
        let ids: HashSet<_> = registrations.iter().map(|registration| registration.id).collect();
        if let Err(problem) = self.host.sockets.remove_others(&ids) {
            error!(problem = chain(&problem), "sockets of former registrations are still there");
        }
        if let Err(problem) = self.host.state.forget_other_workloads(&ids) {
            error!(problem = chain(&problem), "keys of former registrations are still there");
        }
        self.host.board.open();
        self.host.metrics.registrations(ids.len());
        for registration in registrations {
            self.begin(registration);
        }
    }

    fn begin(&mut self, registration: &Registration) {
        if self.served.contains_key(&registration.id) {
            return;
        }
        match Workload::open(Arc::clone(&self.host), registration.clone()) {
            Ok(workload) => {
                let (end, ended) = watch::channel(None);
                let task = tokio::spawn(workload.run(ended));
                self.served.insert(registration.id, Served { registration: registration.clone(), end, task });
            }
            Err(problem) => {
                error!(registration = %registration.id, problem = chain(&problem), "this cannot be served");
            }
        }
    }

    async fn end(&mut self, over: Vec<InstanceId>, why: Ended) {
        let ending: Vec<_> = over.iter().filter_map(|id| self.served.remove(id)).collect();
        for served in &ending {
            served.end.send_replace(Some(why));
        }
        for served in ending {
            if let Err(problem) = served.task.await {
                error!(registration = %served.registration.id, %problem, "a workload's task has failed");
            }
        }
    }
}
