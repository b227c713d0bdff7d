//! Which pods still have a sidecar: whoever removes the mesh under them cuts them off.

use bulkhead_cluster::names::STATUS;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, ObjectMeta, PartialObjectMeta};
use kube::{Api, Client};

/// Names the pods that run with a sidecar, and fails if there is one.
///
/// What the chart asks before it is uninstalled: without the CA such pods go on only until their certificates end.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  bulkhead-kubernetes still-injected")]
pub struct Args {
    /// How many pods are named; the others are counted.
    #[arg(long, env = "BULKHEAD_NAMED", default_value_t = 50, value_name = "NUMBER")]
    pub named: usize,
}

/// Why it fails.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum StillInjectedError {
    #[error("there is no way to the Kubernetes API server")]
    Connect { source: Box<kube::Error> },
    #[error("cannot list the cluster's pods")]
    List { source: Box<kube::Error> },
    #[error(
        "pods that still have a sidecar ({count}): {names}. Take the label bulkhead-mesh.dev/inject from their namespaces and start \
         them again, then uninstall; or uninstall all the same, with `--no-hooks`, and cut them off"
    )]
    Some { count: usize, names: String },
}

/// Looks at all pods of the cluster that have not ended.
pub async fn run(args: Args) -> Result<(), StillInjectedError> {
    let client =
        Client::try_default().await.map_err(|source| StillInjectedError::Connect { source: Box::new(source) })?;
    let api = Api::<Pod>::all(client);
    let mut tally = Tally { named: args.named, ..Tally::default() };
    let mut page = ListParams::default().fields("status.phase!=Succeeded,status.phase!=Failed").limit(PAGE);
    loop {
        let pods =
            api.list_metadata(&page).await.map_err(|source| StillInjectedError::List { source: Box::new(source) })?;
        pods.items.iter().for_each(|pod: &PartialObjectMeta<Pod>| tally.look(&pod.metadata));
        match pods.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return tally.verdict(),
        }
    }
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Tally {
    named: usize,
    count: usize,
    names: Vec<String>,
}

impl Tally {
    fn look(&mut self, pod: &ObjectMeta) {
        if pod.annotations.as_ref().is_some_and(|all| all.contains_key(STATUS)) {
            self.count += 1;
            if self.names.len() < self.named {
                let [namespace, name] = [&pod.namespace, &pod.name].map(|text| text.as_deref().unwrap_or("?"));
                self.names.push(format!("{namespace}/{name}"));
            }
        }
    }

    fn verdict(self) -> Result<(), StillInjectedError> {
        if self.count == 0 {
            return Ok(());
        }
        let more = self.count - self.names.len();
        let mut names = self.names.join(", ");
        if more > 0 {
            names = format!("{names} and {more} more");
        }
        Err(StillInjectedError::Some { count: self.count, names })
    }
}

/// So that a cluster of any size fits into memory.
const PAGE: u32 = 500;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pod(name: &str, annotation: &str) -> ObjectMeta {
        let annotations = BTreeMap::from([(annotation.to_owned(), "{}".to_owned())]);
        ObjectMeta {
            namespace: Some("shop".to_owned()),
            name: Some(name.to_owned()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn pods_with_a_sidecar_are_named_up_to_a_number_and_counted() {
        let mut tally = Tally { named: 2, ..Tally::default() };
        tally.look(&pod("other", "example.org/status"));
        tally.look(&ObjectMeta::default());
        for name in ["a", "b", "c"] {
            tally.look(&pod(name, STATUS));
        }
        let said = tally.verdict().unwrap_err().to_string();
        assert!(said.starts_with("pods that still have a sidecar (3): shop/a, shop/b and 1 more. "), "{said}");
        assert!(Tally::default().verdict().is_ok());
    }
}
