//! What the sidecar reads and writes: the pod's token for the CA, the mesh's roots, and a place in memory; and what
//! neither container gets, the account's token for the Kubernetes API.

use serde_json::{Value, json};

use super::agreement;
use super::draft::Draft;
use super::reason::Refusal;
use super::settings::Settings;
use crate::names::{STATE_VOLUME, TOKEN_VOLUME, TRUST_VOLUME};

/// Adds the volumes to the pod.
pub(super) fn place(draft: &mut Draft, settings: &Settings) -> Result<(), Refusal> {
    draft.ensure(VOLUMES, json!([]));
    for volume in volumes(settings) {
        let entries = draft.entries(VOLUMES)?;
        let found = entries.iter().position(|entry| entry.get("name") == volume.get("name"));
        match found {
            Some(index) if agreement::volume(&entries[index], &volume) => {}
            Some(index) => draft.set(&format!("{VOLUMES}/{index}"), volume),
            None => draft.insert(VOLUMES, entries.len(), volume),
        }
    }
    Ok(())
}

fn volumes(settings: &Settings) -> [Value; 3] {
    let token = json!({"audience": settings.audience, "expirationSeconds": TOKEN_SECONDS, "path": TOKEN_FILE});
    [
        json!({"name": TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}}),
        json!({"name": TRUST_VOLUME, "configMap": {"name": settings.trust_config_map}}),
        // In memory, so that no key ever lies on a node's disk, and what a restarted container finds ends with its pod.
        json!({"name": STATE_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": STATE_SIZE}}),
    ]
}

/// Where the sidecar finds them.
pub(super) fn mounts() -> Value {
    json!([
        {"name": STATE_VOLUME, "mountPath": STATE_DIRECTORY},
        {"name": TOKEN_VOLUME, "mountPath": TOKEN_DIRECTORY, "readOnly": true},
        {"name": TRUST_VOLUME, "mountPath": TRUST_DIRECTORY, "readOnly": true},
        no_api_token(),
    ])
}

/// A mount that keeps the account's token for the Kubernetes API out of a container that has no use for it: the API
/// server mounts it wherever nothing else stands at its path. The mesh's roots are there already, and public.
pub(super) fn no_api_token() -> Value {
    json!({"name": TRUST_VOLUME, "mountPath": API_TOKEN_DIRECTORY, "readOnly": true})
}

/// The file with the pod's token.
pub(super) fn token_file() -> String {
    format!("{TOKEN_DIRECTORY}/{TOKEN_FILE}")
}

/// The file with the mesh's roots.
pub(super) fn roots_file() -> String {
    format!("{TRUST_DIRECTORY}/root.pem")
}

const VOLUMES: &str = "/spec/volumes";
const STATE_DIRECTORY: &str = "/var/lib/bulkhead-proxy";
const TOKEN_DIRECTORY: &str = "/var/run/secrets/bulkhead-mesh.dev";
const TRUST_DIRECTORY: &str = "/etc/bulkhead";
const API_TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_FILE: &str = "token";
/// The kubelet renews it when a fifth of that is left; Kubernetes allows no less than 600.
const TOKEN_SECONDS: u32 = 3600;
/// Keys, certificate, policy and a million cutoffs.
const STATE_SIZE: &str = "256Mi";
