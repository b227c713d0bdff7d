//! The cluster whose pods prove themselves here: how it is asked, and what was decided about those who do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bulkhead_cluster::names::BINDINGS_KEY;
use bulkhead_cluster::{ApiError, Bindings, ConfigText, KubernetesApi, NodeFacts, PodFacts, PodName, ReviewedToken};
use bulkhead_mesh::{Label, NodeName, WorkloadName};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::refusal::EvidenceRefusal;

/// What is asked of a cluster's API server.
#[tonic::async_trait]
pub trait Cluster: fmt::Debug + Send + Sync + 'static {
    /// Whose token this is.
    async fn review(&self, token: &str) -> Result<ReviewedToken, ApiError>;
    /// The pod of this name.
    async fn pod(&self, name: &PodName) -> Result<Option<PodFacts>, ApiError>;
    /// The node of this name.
    async fn node(&self, name: &NodeName) -> Result<Option<NodeFacts>, ApiError>;
    /// The list of labels in this ConfigMap.
    async fn labels(&self, place: &ConfigMapName) -> Result<Option<ConfigText>, ApiError>;
}

#[tonic::async_trait]
impl Cluster for KubernetesApi {
    async fn review(&self, token: &str) -> Result<ReviewedToken, ApiError> {
        self.review(token).await
    }

    async fn pod(&self, name: &PodName) -> Result<Option<PodFacts>, ApiError> {
        self.pod(name).await
    }

    async fn node(&self, name: &NodeName) -> Result<Option<NodeFacts>, ApiError> {
        self.node(name).await
    }

    async fn labels(&self, place: &ConfigMapName) -> Result<Option<ConfigText>, ApiError> {
        self.config_text(place.0.namespace(), place.0.name(), BINDINGS_KEY).await
    }
}

/// A ConfigMap, written `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapName(pub PodName);

/// What an operator decides about those who come from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Whose tokens get the certificate of the node on which they stand; nobody's, if there is none.
    pub agent_account: Option<WorkloadName>,
    /// Whose tokens get `/control/directory`; nobody's, if there is none.
    pub directory_account: Option<WorkloadName>,
    /// How a node comes in.
    pub node_admission: NodeAdmission,
    /// Where the labels of workloads stand; without it, each has the policy's default label.
    pub bindings: Option<ConfigMapName>,
    /// How often to look whether they have changed.
    pub bindings_every: Duration,
    /// How many tokens may be looked into at a time.
    pub reviews: usize,
    /// How many certificates one pod may be issued within a minute: each costs a place on the disk.
    pub certificates_per_minute: u32,
}

/// How a node of the cluster comes in that proves to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeAdmission {
    /// When an operator has said so.
    Manual,
    /// By itself.
    Auto {
        /// What it may run at most, unless the cluster says another of it.
        clearance: Label,
    },
}

impl Default for ClusterSettings {
    /// Nodes come in by an operator's word, and nobody is an agent or the source of the directory.
    fn default() -> Self {
        Self {
            agent_account: None,
            directory_account: None,
            node_admission: NodeAdmission::Manual,
            bindings: None,
            bindings_every: Duration::from_secs(2),
            reviews: 64,
            certificates_per_minute: 10,
        }
    }
}

/// A cluster, and what is known of the labels in it.
#[derive(Debug)]
pub struct Kubernetes {
    /// Who answers questions about it.
    pub cluster: Arc<dyn Cluster>,
    /// What was decided.
    pub settings: ClusterSettings,
    /// `None` until the list of labels could be read once: until then nobody knows who is confidential.
    labels: ArcSwap<Option<Bindings>>,
    turns: Semaphore,
}

impl Kubernetes {
    /// A cluster of which nothing is known yet.
    pub fn new(cluster: Arc<dyn Cluster>, settings: ClusterSettings) -> Self {
        let labels = ArcSwap::from_pointee(settings.bindings.is_none().then(Bindings::default));
        let turns = Semaphore::new(settings.reviews);
        Self { cluster, settings, labels, turns }
    }

    /// The label of this account, if the list says one.
    pub fn label_of(&self, account: &WorkloadName) -> Result<Option<Label>, EvidenceRefusal> {
        let labels = self.labels.load();
        let bindings = labels.as_ref().as_ref().ok_or(EvidenceRefusal::NoLabelsYet)?;
        Ok(bindings.label_of(account).cloned())
    }

    /// Takes another list of labels; whether it says something else.
    pub(super) fn bind(&self, bindings: Bindings) -> bool {
        let differs = self.labels.load().as_ref().as_ref() != Some(&bindings);
        self.labels.store(Arc::new(Some(bindings)));
        differs
    }

    /// Looks into a token when its turn has come: strangers bring them, and each costs the API server two questions.
    pub(super) async fn in_turn<T>(&self, work: impl Future<Output = T>) -> Result<T, EvidenceRefusal> {
        let turn = timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| EvidenceRefusal::Crowded { most: self.settings.reviews })?;
        Ok(work.await)
    }
}

impl std::str::FromStr for ConfigMapName {
    type Err = bulkhead_cluster::pod_name::ParsePodNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // It is named as a pod is.
        text.parse().map(Self)
    }
}

impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
