//! The connection to the API server: a few questions, each with a deadline, each answered by a pure reader beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use bulkhead_mesh::NodeName;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::api::{ObjectMeta, PostParams};
use kube::config::InferConfigError;
use kube::{Api, Client, Config};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::pod_name::PodName;
use crate::pods::{self, PodError, PodFacts};
use crate::tokens::{self, ReviewedToken, TokenRefusal};
use crate::uid::Uid;

/// The API server of a cluster.
#[derive(Clone)]
pub struct KubernetesApi {
    client: Client,
    audience: String,
    deadline: Duration,
}

/// A node, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// Which node of its name.
    pub uid: Uid,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// One text of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigText {
    /// Another one after each change.
    pub version: String,
    /// The text, if the key is there.
    pub text: Option<String>,
}

impl KubernetesApi {
    /// As `KUBECONFIG` or the kubeconfig file in the home directory says, or as a pod's own account; tokens must have
    /// this audience, and no question takes longer than `deadline`. Nothing is asked yet.
    pub async fn connect(audience: String, deadline: Duration) -> Result<Self, ConnectError> {
        // The client takes the process's provider; ours has it from here at the latest, whatever else is linked.
        if CryptoProvider::get_default().is_none() {
            // Somebody else may have been first, with the same one: no other is linked.
            let _ = aws_lc_rs::default_provider().install_default();
        }
        let mut config = Config::infer().await.map_err(|source| ConnectError::Config(Box::new(source)))?;
        config.connect_timeout = Some(deadline);
        config.read_timeout = Some(deadline);
        let client = Client::try_from(config).map_err(|source| ConnectError::Client(Box::new(source)))?;
        Ok(Self { client, audience, deadline })
    }

    /// Whose token this is (`create` of `tokenreviews`).
    pub async fn review(&self, token: &str) -> Result<ReviewedToken, ApiError> {
        tokens::check_length(token)?;
        let spec = TokenReviewSpec { audiences: Some(vec![self.audience.clone()]), token: Some(token.to_owned()) };
        let question = TokenReview { metadata: ObjectMeta::default(), spec, status: None };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let answer = self.ask("TokenReview", api.create(&PostParams::default(), &question)).await?;
        Ok(tokens::read(&answer.status.unwrap_or_default(), &self.audience)?)
    }

    /// The pod of this name, if there is one (`get` of `pods`).
    pub async fn pod(&self, name: &PodName) -> Result<Option<PodFacts>, ApiError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), name.namespace());
        let found = self.ask("pod", api.get_opt(name.name())).await?;
        Ok(found.as_ref().map(pods::read).transpose()?)
    }

    /// The node of this name, if there is one (`get` of `nodes`).
    pub async fn node(&self, name: &NodeName) -> Result<Option<NodeFacts>, ApiError> {
        let api: Api<Node> = Api::all(self.client.clone());
        let found = self.ask("node", api.get_opt(name.as_str())).await?;
        found.map(node).transpose()
    }

    /// What stands under a key of a ConfigMap, if there is such a ConfigMap (`get` of that one of `configmaps`).
    pub async fn config_text(&self, namespace: &str, name: &str, key: &str) -> Result<Option<ConfigText>, ApiError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = self.ask("ConfigMap", api.get_opt(name)).await?;
        Ok(found.map(|mut found| ConfigText {
            version: found.metadata.resource_version.unwrap_or_default(),
            text: found.data.as_mut().and_then(|data| data.remove(key)),
        }))
    }

    async fn ask<T>(&self, what: &'static str, answer: impl Future<Output = kube::Result<T>>) -> Result<T, ApiError> {
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(refused(what, source)),
            Err(_) => Err(ApiError::Silent { what, limit: self.deadline }),
        }
    }
}

impl fmt::Debug for KubernetesApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KubernetesApi(audience `{}`)", self.audience)
    }
}

fn refused(what: &'static str, source: kube::Error) -> ApiError {
    match source {
        kube::Error::Api(status) => ApiError::Refused { what, code: status.code, message: status.message },
        source => ApiError::Unreachable { what, source: Box::new(source) },
    }
}

fn node(node: Node) -> Result<NodeFacts, ApiError> {
    let uid = node.metadata.uid.as_deref().and_then(|uid| uid.parse().ok()).ok_or(ApiError::NodeUid)?;
    Ok(NodeFacts { uid, labels: node.metadata.labels.unwrap_or_default() })
}

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ConnectError {
    #[error("nothing says where the Kubernetes API server is and who asks it")]
    Config(#[source] Box<InferConfigError>),
    #[error("the way to the Kubernetes API server cannot be built")]
    Client(#[source] Box<kube::Error>),
}

impl ConnectError {
    /// What a person can do about it.
    pub const fn hint(&self) -> &'static str {
        "in a pod, mount its service account's token; elsewhere `KUBECONFIG` must name a kubeconfig file"
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ApiError {
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    #[error("the Kubernetes API server refuses the question about a {what} ({code}): {message}")]
    Refused { what: &'static str, code: u16, message: String },
    #[error("the Kubernetes API server could not be asked about a {what}")]
    Unreachable { what: &'static str, source: Box<kube::Error> },
    #[error("the Kubernetes API server did not answer the question about a {what} within {limit:?}")]
    Silent { what: &'static str, limit: Duration },
    #[error(transparent)]
    Pod(#[from] PodError),
    #[error("the node's `metadata.uid` is missing or cannot be read")]
    NodeUid,
}

impl ApiError {
    /// What a person can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Token(refusal) => refusal.hint(),
            Self::Refused { code: 401 | 403, .. } => Some(
                "the CA's account needs `create` on tokenreviews and `get` on pods, nodes and the ConfigMap of labels",
            ),
            _ => None,
        }
    }
}
