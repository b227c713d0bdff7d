//! What the API server says of pods, in the words of the story.

use anyhow::{Context as _, Result};
use bulkhead_mesh::Timestamp;
use serde_json::Value;

use super::shell::Shell;

/// One pod.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) node: String,
    pub(super) address: String,
    object: Value,
}

impl Pod {
    /// The pods with this label that are not being deleted.
    pub(super) fn all(shell: &Shell, namespace: &str, selector: &str) -> Result<Vec<Self>> {
        let list = shell.ask_json(&format!("kubectl get pods -n {namespace} -l '{selector}' -o json"))?;
        let living = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        Ok(list["items"].as_array().into_iter().flatten().filter(living).map(Self::of).collect())
    }

    /// The one pod with this label.
    pub(super) fn one(shell: &Shell, namespace: &str, selector: &str) -> Result<Self> {
        let found = Self::all(shell, namespace, selector)?.into_iter().next();
        found.with_context(|| format!("no pod `{selector}` in `{namespace}`"))
    }

    fn of(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
            node: text("/spec/nodeName"),
            address: text("/status/podIP"),
            object: object.clone(),
        }
    }

    /// Whether it has a sidecar.
    pub(super) fn is_meshed(&self) -> bool {
        let containers = self.object["spec"]["initContainers"].as_array();
        containers.into_iter().flatten().any(|container| container["name"] == "bulkhead-proxy")
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|condition| condition["status"] == "True")
    }

    /// From its creation until it was ready, in whole seconds, as Kubernetes counts.
    pub(super) fn seconds_to_ready(&self) -> Result<u64> {
        let moment = |value: &Value| -> Result<Timestamp> {
            let text = value.as_str().context("a moment is missing")?;
            text.parse().with_context(|| format!("`{text}` is no moment"))
        };
        let created = moment(&self.object["metadata"]["creationTimestamp"])?;
        let ready = self.condition("Ready").context("it was never ready")?;
        Ok(moment(&ready["lastTransitionTime"])?.since(created).as_secs())
    }

    fn condition(&self, kind: &str) -> Option<&Value> {
        let conditions = self.object["status"]["conditions"].as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)
    }

    /// The command that runs `lab-app` with these words in its container `app`.
    pub(super) fn app(&self, words: &str) -> String {
        format!("kubectl exec -n {} {} -c app -- /lab-app {words}", self.namespace, self.name)
    }
}
