//! The mesh's roots in each namespace whose pods need them, by which a sidecar knows the CA.
//!
//! [`plan`] is pure and says what is to be done; [`Keeper`] does it, within a second of whatever makes it necessary.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::chain;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::ObjectMeta;
use kube::{Api, Client};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::authority::Files;
use super::cluster::{Asks, Cluster, Pod};
use super::metrics::TrustOutcome;
use super::seen::{KEY, MANAGED_BY, MANAGER, digest_of};
use super::shared::Shared;

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the ConfigMap of this namespace what it should be.
    Apply(Box<str>),
    /// Take it away, if it is still this state of it.
    Remove(Box<str>, Box<str>),
}

/// What is to be done so that the roots with this digest are where they are needed, and nowhere else what says that it is
/// ours. Nothing while not everything is known.
pub fn plan(cluster: &Cluster, roots: [u8; 32], excluded: &BTreeSet<Box<str>>) -> Vec<Step> {
    if !cluster.is_whole() {
        return Vec::new();
    }
    let of_pods: HashSet<&str> =
        cluster.directory.pods().iter().filter(|(_, pod)| needs_roots(pod)).map(|(_, pod)| &*pod.namespace).collect();
    let mut steps = Vec::new();
    for (name, namespace) in cluster.namespaces.iter().filter(|(name, _)| !excluded.contains(*name)) {
        let needed = namespace.asks || of_pods.contains(&**name);
        let found = cluster.trust_maps.get(name);
        let is_right = found.is_some_and(|map| map.managed && map.content == Some(roots));
        match found {
            // Kubernetes takes everything in it away.
            _ if namespace.leaving => {}
            _ if needed && !is_right => steps.push(Step::Apply(name.clone())),
            Some(map) if !needed && map.managed => steps.push(Step::Remove(name.clone(), map.version.clone())),
            _ => {}
        }
    }
    steps
}

fn needs_roots(pod: &Pod) -> bool {
    pod.sidecar || pod.asks == Asks::Itself
}

/// Does what is to be done.
pub struct Keeper {
    /// What is known, and where is counted.
    pub shared: Arc<Shared>,
    /// Through whom it is done.
    pub client: Client,
    /// Where the roots lie.
    pub files: Files,
    /// Namespaces that are not looked after.
    pub excluded: Arc<BTreeSet<Box<str>>>,
    /// What the ConfigMaps are called.
    pub name: String,
}

impl Keeper {
    /// Keeps them for ever.
    pub async fn keep(&self) {
        let mut changes = self.shared.changes();
        loop {
            changes.borrow_and_update();
            if !self.look().await {
                sleep(AFTER_FAILURE).await;
                continue;
            }
            // The file with the roots may change without a word.
            let _ = timeout(LOOK_EVERY, changes.changed()).await;
            sleep(LINGER).await;
        }
    }

    /// Whether everything was done that was to be done.
    async fn look(&self) -> bool {
        let roots = match self.files.roots_text() {
            Ok(roots) => roots,
            Err(problem) => {
                warn!(problem = chain(&problem), "the mesh's roots cannot be read; namespaces keep what they have");
                return false;
            }
        };
        let digest = digest_of(&roots);
        let mut all_done = true;
        for step in self.shared.with(|cluster| plan(cluster, digest, &self.excluded)) {
            all_done &= self.done(&step, &roots).await;
        }
        all_done
    }

    async fn done(&self, step: &Step, roots: &str) -> bool {
        let (namespace, outcome) = match step {
            Step::Apply(namespace) => (namespace, TrustOutcome::Applied),
            Step::Remove(namespace, _) => (namespace, TrustOutcome::Removed),
        };
        let done = timeout(DEADLINE, self.try_to(step, roots)).await;
        let problem = match done {
            Ok(Ok(())) => {
                info!(%namespace, config_map = self.name, outcome = outcome.as_str(), "the mesh's roots");
                self.shared.metrics.trust_map(outcome);
                return true;
            }
            Ok(Err(problem)) => chain(&problem),
            Err(_) => "the API server was silent for too long".to_owned(),
        };
        warn!(%namespace, config_map = self.name, problem, "the mesh's roots are not as they should be; trying again");
        self.shared.metrics.trust_map(TrustOutcome::Failed);
        false
    }

    async fn try_to(&self, step: &Step, roots: &str) -> Result<(), kube::Error> {
        match step {
            Step::Apply(namespace) => {
                let maps = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
                let as_manager = PatchParams::apply(FIELD_MANAGER).force();
                maps.patch(&self.name, &as_manager, &Patch::Apply(self.wanted(roots))).await.map(drop)
            }
            Step::Remove(namespace, version) => {
                let maps = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
                let unchanged = Preconditions { resource_version: Some(version.to_string()), uid: None };
                let params = DeleteParams { preconditions: Some(unchanged), ..DeleteParams::default() };
                match maps.delete(&self.name, &params).await {
                    // Gone, or somebody has changed it: the watch tells, and all is decided anew.
                    Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(()),
                    other => other.map(drop),
                }
            }
        }
    }

    fn wanted(&self, roots: &str) -> ConfigMap {
        let labels = BTreeMap::from([(MANAGED_BY.to_owned(), MANAGER.to_owned())]);
        let metadata = ObjectMeta { name: Some(self.name.clone()), labels: Some(labels), ..ObjectMeta::default() };
        let data = BTreeMap::from([(KEY.to_owned(), roots.to_owned())]);
        ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
    }
}

/// Under which name the API server knows what is ours of the ConfigMap.
const FIELD_MANAGER: &str = "bulkhead-controller";
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Many changes come together; and a quarrel with somebody who changes them back is not to be a busy one.
const LINGER: Duration = Duration::from_millis(200);
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
