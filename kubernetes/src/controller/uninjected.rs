//! Pods that should have a sidecar and have none: those that were there before their namespace asked, and those that were
//! made while nobody answered the API server.
//!
//! [`find`] is pure; [`Lookout`] looks every few seconds, counts, and says each once.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_mesh::InstanceId;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::warn;

use super::cluster::{Asks, Cluster, Pod};
use super::shared::Shared;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many pods have a sidecar.
    pub injected: usize,
    /// Those that should have one and have none.
    pub uninjected: Vec<Uninjected>,
}

/// A pod that should have a sidecar and has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uninjected {
    /// Which one.
    pub uid: InstanceId,
    /// Where it lives.
    pub namespace: Box<str>,
    /// Its name there.
    pub name: Box<str>,
}

/// Looks through all pods. One that is about to end is nobody's worry.
pub fn find(cluster: &Cluster, excluded: &BTreeSet<Box<str>>) -> Found {
    let mut found = Found::default();
    for (uid, pod) in cluster.directory.pods().iter() {
        if pod.sidecar {
            found.injected += 1;
        } else if !pod.leaving && !excluded.contains(&pod.namespace) && is_asked(cluster, pod) {
            let (namespace, name) = (pod.namespace.clone(), pod.name.clone());
            found.uninjected.push(Uninjected { uid: *uid, namespace, name });
        }
    }
    found
}

fn is_asked(cluster: &Cluster, pod: &Pod) -> bool {
    match pod.asks {
        Asks::Nobody => false,
        Asks::Itself => true,
        Asks::Namespace => cluster.namespaces.get(&pod.namespace).is_some_and(|namespace| namespace.asks),
    }
}

/// Looks, counts and says.
pub struct Lookout {
    shared: Arc<Shared>,
    excluded: Arc<BTreeSet<Box<str>>>,
    recorder: Recorder,
    said: HashSet<InstanceId>,
}

impl Lookout {
    /// One that has said nothing yet.
    pub fn new(shared: Arc<Shared>, client: Client, excluded: Arc<BTreeSet<Box<str>>>) -> Self {
        let reporter = Reporter { controller: "bulkhead-controller".to_owned(), instance: None };
        Self { shared, excluded, recorder: Recorder::new(client, reporter), said: HashSet::new() }
    }

    /// Looks for ever.
    pub async fn look_out(mut self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let found = self.shared.with(|cluster| cluster.is_whole().then(|| find(cluster, &self.excluded)));
        let Some(Found { injected, uninjected }) = found else { return };
        self.shared.metrics.injection(injected, uninjected.len());
        let still: HashSet<_> = uninjected.iter().map(|pod| pod.uid).collect();
        self.said.retain(|uid| still.contains(uid));
        let new = uninjected.into_iter().filter(|pod| !self.said.contains(&pod.uid));
        for pod in new.take(SAID_AT_A_TIME).collect::<Vec<_>>() {
            self.say(&pod).await;
            self.said.insert(pod.uid);
        }
    }

    /// An Event that cannot be written is no reason to write the line in the log twice.
    async fn say(&self, pod: &Uninjected) {
        let Uninjected { namespace, name, .. } = pod;
        warn!(%namespace, pod = %name, "the pod should have a sidecar and has none: restart what has made it, or delete it");
        let event = Event {
            type_: EventType::Warning,
            reason: "NotInjected".to_owned(),
            note: Some(format!(
                "The pod should have the mesh's sidecar and was made without it, so the mesh refuses it. Restart what has made \
                 it (`kubectl rollout restart -n {namespace} ...`), or delete it (`kubectl delete pod -n {namespace} {name}`)."
            )),
            action: "Inject".to_owned(),
            secondary: None,
        };
        match timeout(DEADLINE, self.recorder.publish(&event, &reference(pod))).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => warn!(%namespace, pod = %name, problem = chain(&problem), "no Event was written"),
            Err(_) => warn!(%namespace, pod = %name, "no Event was written: the API server was silent for too long"),
        }
    }
}

fn reference(pod: &Uninjected) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        namespace: Some(pod.namespace.to_string()),
        name: Some(pod.name.to_string()),
        uid: Some(hyphenated(pod.uid)),
        ..ObjectReference::default()
    }
}

/// A UID as Kubernetes writes it (RFC 9562, section 4).
fn hyphenated(uid: InstanceId) -> String {
    let hex = uid.to_string();
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]).join("-")
}

/// A pod is found well within ten seconds.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A namespace that is labelled late may have thousands: the rest is said at the next looks.
const SAID_AT_A_TIME: usize = 50;
const DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
