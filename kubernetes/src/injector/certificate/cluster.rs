//! The Secret and the webhook configuration, read from and written to the cluster. Both are written over exactly what was
//! read, or not at all.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::authorities::{self, Authorities};
use crate::injector::config::CertificateConfig;

/// Both objects of this cluster.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    secrets: Api<Secret>,
    configurations: Api<MutatingWebhookConfiguration>,
    secret: String,
    configuration: String,
}

/// The Secret as it was read.
#[derive(Clone, Debug)]
pub(super) struct ReadSecret(Secret);

/// The webhook configuration as it was read: which CAs each webhook holds.
#[derive(Clone, Debug)]
pub(super) struct ReadConfiguration {
    version: Option<String>,
    pub(super) webhooks: Vec<(String, Authorities)>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum ClusterError {
    #[error("cannot read the Secret `{name}`, which the chart makes (empty) and which the injector may get and update")]
    ReadSecret { name: String, source: Box<kube::Error> },
    #[error("cannot write the Secret `{name}`")]
    WriteSecret { name: String, source: Box<kube::Error> },
    #[error(
        "cannot read the MutatingWebhookConfiguration `{name}`, which the chart makes and which the injector may get and patch"
    )]
    ReadConfiguration { name: String, source: Box<kube::Error> },
    #[error("cannot write the CAs into the MutatingWebhookConfiguration `{name}`")]
    WriteConfiguration { name: String, source: Box<kube::Error> },
    #[error("the MutatingWebhookConfiguration `{name}` has no webhooks, so that the API server asks nobody")]
    NoWebhooks { name: String },
}

impl ClusterError {
    /// Whether somebody else has written in the meantime, which is no fault: one reads again.
    pub(super) fn is_conflict(&self) -> bool {
        match self {
            Self::WriteSecret { source, .. } | Self::WriteConfiguration { source, .. } => {
                matches!(&**source, kube::Error::Api(status) if status.code == 409)
            }
            _ => false,
        }
    }
}

impl Cluster {
    pub(super) fn new(client: &Client, config: &CertificateConfig) -> Self {
        Self {
            secrets: Api::namespaced(client.clone(), &config.namespace),
            configurations: Api::all(client.clone()),
            secret: config.secret.clone(),
            configuration: config.configuration.clone(),
        }
    }

    pub(super) async fn read_secret(&self) -> Result<ReadSecret, ClusterError> {
        let failed = |source| ClusterError::ReadSecret { name: self.secret.clone(), source: Box::new(source) };
        self.secrets.get(&self.secret).await.map(ReadSecret).map_err(failed)
    }

    /// Replaces what was read; the API server refuses it if somebody has written since.
    pub(super) async fn write_secret(&self, read: ReadSecret, text: Vec<u8>) -> Result<(), ClusterError> {
        let failed = |source| ClusterError::WriteSecret { name: self.secret.clone(), source: Box::new(source) };
        let mut secret = read.0;
        secret.data.get_or_insert_default().insert(KEY.to_owned(), ByteString(text));
        self.secrets.replace(&self.secret, &parameters(), &secret).await.map(drop).map_err(failed)
    }

    pub(super) async fn read_configuration(&self) -> Result<ReadConfiguration, ClusterError> {
        let name = || self.configuration.clone();
        let failed = |source| ClusterError::ReadConfiguration { name: name(), source: Box::new(source) };
        let read = self.configurations.get(&self.configuration).await.map_err(failed)?;
        let webhooks: Vec<_> = read
            .webhooks
            .into_iter()
            .flatten()
            .map(|webhook| {
                let bundle = webhook.client_config.ca_bundle.unwrap_or_default();
                (webhook.name, authorities::read(&bundle.0))
            })
            .collect();
        if webhooks.is_empty() {
            return Err(ClusterError::NoWebhooks { name: name() });
        }
        Ok(ReadConfiguration { version: read.metadata.resource_version, webhooks })
    }

    /// Makes these CAs the bundle of every webhook, and touches nothing else: by server-side apply, with the version that was
    /// read as a condition.
    pub(super) async fn publish(&self, read: &ReadConfiguration, bundle: &str) -> Result<(), ClusterError> {
        let failed =
            |source| ClusterError::WriteConfiguration { name: self.configuration.clone(), source: Box::new(source) };
        let bundle = ByteString(bundle.as_bytes().to_vec());
        let webhooks =
            read.webhooks.iter().map(|(name, _)| json!({"name": name, "clientConfig": {"caBundle": bundle}}));
        let applied = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self.configuration, "resourceVersion": read.version},
            "webhooks": webhooks.collect::<Vec<_>>(),
        });
        let parameters = PatchParams::apply(MANAGER).force();
        self.configurations
            .patch(&self.configuration, &parameters, &Patch::Apply(applied))
            .await
            .map(drop)
            .map_err(failed)
    }
}

impl ReadSecret {
    /// What the injector has written; nothing where the Secret is empty.
    pub(super) fn text(&self) -> Option<&[u8]> {
        let data: Option<&BTreeMap<_, _>> = self.0.data.as_ref();
        data?.get(KEY).map(|text| text.0.as_slice())
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// The key of the Secret.
const KEY: &str = "generations.json";
/// By what the API server knows whose fields these are.
const MANAGER: &str = "bulkhead-injector";
