//! Follows the list of workloads' labels, and gives another label to the pods of which it now says another.
//!
//! The one ConfigMap is asked for every few seconds. A watch would hear of a change a moment sooner, and needs the right to
//! list all ConfigMaps of the namespace and a way back from each of its breaks.

use std::sync::Arc;

use bulkhead_cluster::Bindings;
use bulkhead_daemon::chain;
use bulkhead_mesh::{Label, Reason, Timestamp};

use super::cluster::{ConfigMapName, Kubernetes};
use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::denied::Denied;
use crate::registry::cut_off;
use crate::store::{Lane, RegistrationRecord, Tx};

/// Follows until dropped.
pub(crate) async fn follow(ca: Arc<Ca>) {
    let Some(kubernetes) = ca.kubernetes.clone() else { return };
    let mut follower = Follower { ca, kubernetes, seen: None, default: None, is_behind: false };
    loop {
        if let Some(place) = follower.kubernetes.settings.bindings.clone() {
            follower.look(&place).await;
        }
        follower.catch_up().await;
        let ca = &follower.ca;
        ca.clock.until(ca.now().plus(follower.kubernetes.settings.bindings_every)).await;
    }
}

struct Follower {
    ca: Arc<Ca>,
    kubernetes: Arc<Kubernetes>,
    /// What came of the last look: the version that was read, or the complaint that was logged.
    seen: Option<Result<String, String>>,
    /// The policy's default label when pods were relabelled last.
    default: Option<Label>,
    /// Whether pods are to be relabelled.
    is_behind: bool,
}

impl Follower {
    /// Reads the list if it has changed. One that cannot be read is logged once, and the last good one stays.
    async fn look(&mut self, place: &ConfigMapName) {
        let found = match self.kubernetes.cluster.labels(place).await {
            Ok(found) => found,
            Err(error) => return self.complain(place, &error.to_string()),
        };
        // One that somebody has lost is not an empty one: that would make everybody as harmless as the default label.
        let Some(found) = found else { return self.complain(place, "there is no such ConfigMap") };
        if self.seen.as_ref() == Some(&Ok(found.version.clone())) {
            return;
        }
        let Some(text) = found.text else {
            return self.complain(place, "it has no key `labels.yaml`; a list without a line is written `[]`");
        };
        match self.read(&text) {
            Ok(bindings) => {
                tracing::info!(%place, lines = bindings.len(), "the labels of workloads were read");
                self.is_behind |= self.kubernetes.bind(bindings);
                self.seen = Some(Ok(found.version));
            }
            Err(problem) => self.complain(place, &problem),
        }
    }

    /// The list, if this mesh has all of its levels: pods would be cut off, and get no certificate with the new label.
    fn read(&self, text: &str) -> Result<Bindings, String> {
        let bindings = Bindings::read(text).map_err(|error| error.to_string())?;
        let policy = self.ca.known.policy();
        let unknown = bindings.labels().find(|label| policy.levels().named(&label.level).is_none());
        let unknown = unknown.map(|label| Denied::UnknownLevel { level: label.level.clone() });
        unknown.map_or(Ok(bindings), |unknown| Err(unknown.to_string()))
    }

    fn complain(&mut self, place: &ConfigMapName, complaint: &str) {
        self.ca.metrics.unreadable_labels.inc();
        if self.seen.as_ref().and_then(|seen| seen.as_ref().err()).map(String::as_str) != Some(complaint) {
            tracing::error!(%place, reason = complaint, "the labels of workloads cannot be read; the last good ones stay");
        }
        self.seen = Some(Err(complaint.to_owned()));
    }

    /// Gives pods their new labels, if the list or the policy's default label is another than the last time.
    async fn catch_up(&mut self) {
        let default = self.ca.known.policy().default_label().clone();
        if !self.is_behind && self.default.as_ref() == Some(&default) {
            return;
        }
        match relabel_all(&self.ca, &self.kubernetes).await {
            Ok(relabelled) => {
                tracing::debug!(relabelled, "pods have the labels that they should have");
                (self.is_behind, self.default) = (false, Some(default));
            }
            // Before the list was read once, nobody has a label.
            Err(Denied::Evidence(refusal)) if refusal.is_failure() => {}
            Err(error) => tracing::error!(error = chain(&error), "pods were not relabelled"),
        }
    }
}

/// Gives another label to every pod of which another is said now. How many.
async fn relabel_all(ca: &Arc<Ca>, kubernetes: &Arc<Kubernetes>) -> Result<usize, Denied> {
    let mut all = 0;
    loop {
        let relabelled = relabel_some(ca, kubernetes).await?;
        all += relabelled;
        if relabelled < AT_ONCE {
            return Ok(all);
        }
    }
}

/// As many as one transaction may hold up others with: a revocation waits behind one of them at most.
const AT_ONCE: usize = 500;

async fn relabel_some(ca: &Arc<Ca>, kubernetes: &Arc<Kubernetes>) -> Result<usize, Denied> {
    let (office, kubernetes, clock) = (Arc::clone(ca), Arc::clone(kubernetes), ca.now());
    let relabelled = ca.store.write(Lane::Ordinary, move |tx| {
        let at = tx.now(clock)?;
        let mut relabelled = 0;
        for pod in tx.pods()? {
            let label = label_of(&office, &kubernetes, &pod.workload)?;
            if label != pod.label && relabelled < AT_ONCE {
                relabel(tx, &office, &pod, &label, at)?;
                relabelled += 1;
            }
        }
        Ok::<_, Denied>(relabelled)
    });
    let relabelled = relabelled.await?;
    if relabelled > 0 {
        ca.fanout.publish(ca).await?;
    }
    Ok(relabelled)
}

/// The label of this account's workloads: the list's, or else the policy's default.
pub(crate) fn label_of(
    ca: &Ca,
    kubernetes: &Kubernetes,
    account: &bulkhead_mesh::WorkloadName,
) -> Result<Label, Denied> {
    let listed = kubernetes.label_of(account)?;
    Ok(listed.unwrap_or_else(|| ca.known.policy().default_label().clone()))
}

/// Gives a pod another label. Whatever certificate it has is cut off, so that its sidecar must prove itself anew.
pub(crate) fn relabel(
    tx: &mut Tx<'_>,
    ca: &Ca,
    pod: &RegistrationRecord,
    label: &Label,
    at: Timestamp,
) -> Result<(), Denied> {
    // Certificates know whole seconds: one that is issued later in this second could not be told from those that are
    // meant, so none is issued before the next one begins.
    let void_before = Timestamp::from_secs(at.as_secs() + 1);
    tx.relabel_pod(pod.id, label, void_before)?;
    let reason: Reason = "its label was changed".parse().expect("it is short and printable");
    cut_off(tx, ca, pod.id, void_before, reason)?;
    let detail = format!("{} `{}` instead of `{}`", pod.workload, label, pod.label);
    let (actor, action, outcome) = (Actor::Ca, Action::RelabelWorkload, Outcome::Done);
    tx.audit(&AuditRecord { at, actor, action, subject: pod.id.to_string(), detail, outcome })?;
    Ok(())
}
