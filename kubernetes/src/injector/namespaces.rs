//! What must be known of a pod's namespace: two of its labels, kept in step with the cluster by a watch.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_cluster::injection::Namespace;
use bulkhead_cluster::names::{INJECT, POD_SECURITY};
use bulkhead_daemon::chain;
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1 as core;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use tracing::warn;

/// Namespaces by their names.
#[derive(Clone)]
pub(crate) struct Namespaces {
    api: Api<PartialObjectMeta<core::Namespace>>,
    never_injected: Arc<BTreeSet<String>>,
    known: Arc<Mutex<HashMap<String, Labels>>>,
}

/// The labels that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Labels {
    inject: Option<String>,
    pod_security: Option<String>,
}

/// Why nothing is known of a namespace.
#[derive(Debug, thiserror::Error)]
#[error("the labels of namespace `{name}` are not known, and the API server does not say them")]
pub(crate) struct NotKnown {
    name: String,
    source: Box<kube::Error>,
}

impl Namespaces {
    /// None is known yet.
    pub(crate) fn new(client: Client, never_injected: BTreeSet<String>) -> Self {
        Self { api: Api::all(client), never_injected: Arc::new(never_injected), known: Arc::default() }
    }

    /// As it was told last; asked for where it has not been told yet.
    pub(crate) async fn find(&self, name: &str) -> Result<Namespace, NotKnown> {
        let known = self.lock().get(name).cloned();
        match known {
            Some(labels) => Ok(self.namespace(name, labels)),
            None => self.find_afresh(name).await,
        }
    }

    /// As it is now: what the watch has told may be a moment old.
    pub(crate) async fn find_afresh(&self, name: &str) -> Result<Namespace, NotKnown> {
        match self.api.get(name).await {
            Ok(found) => Ok(self.namespace(name, Labels::of(&found))),
            Err(source) => Err(NotKnown { name: name.to_owned(), source: Box::new(source) }),
        }
    }

    /// Follows the cluster for ever.
    pub(crate) async fn follow(self) {
        let watching = watcher(self.api.clone(), watcher::Config::default().timeout(SERVER_ENDS_AFTER));
        let mut events = pin!(watching.default_backoff());
        // The stream never ends: after an error it waits and goes on.
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.hear(event),
                Err(problem) => warn!(problem = chain(&problem), "the watch of namespaces broke off; trying again"),
            }
        }
    }

    /// Takes what the watch has seen.
    pub(crate) fn hear(&self, event: Event<PartialObjectMeta<core::Namespace>>) {
        let mut known = self.lock();
        match event {
            // What is gone is forgotten; what is not said yet is asked for.
            Event::Init => known.clear(),
            Event::InitApply(namespace) | Event::Apply(namespace) => {
                known.insert(namespace.name_any(), Labels::of(&namespace));
            }
            Event::Delete(namespace) => drop(known.remove(&namespace.name_any())),
            Event::InitDone => {}
        }
    }

    fn namespace(&self, name: &str, labels: Labels) -> Namespace {
        let Labels { inject, pod_security } = labels;
        Namespace { name: name.to_owned(), inject, pod_security, is_system: self.never_injected.contains(name) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Labels>> {
        // Every statement under the lock leaves it whole, so a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Labels {
    fn of(namespace: &PartialObjectMeta<core::Namespace>) -> Self {
        let label = |name: &str| namespace.labels().get(name).cloned();
        Self { inject: label(INJECT), pod_security: label(POD_SECURITY) }
    }
}

/// Seconds, so that a connection that is dead without a word is noticed.
const SERVER_ENDS_AFTER: u32 = 60;
