//! A Kubernetes cluster as a test says it is, in the API server's place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bulkhead_ca::evidence::{Cluster, ClusterSettings, ConfigMapName, Kubernetes, NodeAdmission};
use bulkhead_cluster::{
    ApiError, ConfigText, Liveness, NodeFacts, PodFacts, PodName, ReviewedToken, TokenRefusal, Uid,
};
use bulkhead_mesh::{NodeName, Timestamp, WorkloadName};
use bulkhead_protocol::v1::attestation_client::AttestationClient;
use bulkhead_protocol::v1::{AttestRequest, CertificateReply};
use tonic::Status;

use crate::people::{Applicant, Identity};
use crate::world::World;

/// What the cluster holds; a pod's token is its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeCluster(Arc<Mutex<Objects>>);

#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) tokens: BTreeMap<String, ReviewedToken>,
    pub(crate) pods: BTreeMap<String, PodFacts>,
    pub(crate) nodes: BTreeMap<String, NodeFacts>,
    pub(crate) labels: Option<ConfigText>,
    /// Nobody answers.
    pub(crate) is_silent: bool,
}

pub(crate) const AGENT: &str = "ns/bulkhead-system/sa/bulkhead-agent";
pub(crate) const CONTROLLER: &str = "ns/bulkhead-system/sa/bulkhead-controller";

impl FakeCluster {
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Objects) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub(crate) fn node(&self, name: &str, number: u8) {
        let facts = NodeFacts { uid: Uid::from_bytes([number; 16]), labels: BTreeMap::new() };
        self.change(|objects| objects.nodes.insert(name.to_owned(), facts));
    }

    pub(crate) fn label_node(&self, name: &str, value: &str) {
        let label = "node-restriction.kubernetes.io/bulkhead-clearance".to_owned();
        self.change(|objects| objects.nodes.get_mut(name).unwrap().labels.insert(label, value.to_owned()));
    }

    /// A running pod with a sidecar, and its token.
    pub(crate) fn pod(&self, name: &str, number: u8, account: &str, node: &str) {
        let account: WorkloadName = account.parse().unwrap();
        let pod = format!("{}/{name}", account.namespace()).parse().unwrap();
        let (uid, node_uid) = (Uid::from_bytes([number; 16]), self.change(|objects| objects.nodes[node].uid));
        let node: NodeName = node.parse().unwrap();
        let token = ReviewedToken { account: account.clone(), pod, pod_uid: uid, node: node.clone(), node_uid };
        let facts = PodFacts {
            uid,
            account,
            node: Some(node),
            liveness: Liveness::Living,
            addresses: vec![IpAddr::from([10, 77, 0, number])],
            created: Timestamp::from_secs(u64::from(number)),
            has_sidecar: true,
        };
        self.change(|objects| {
            objects.tokens.insert(name.to_owned(), token);
            objects.pods.insert(name.to_owned(), facts);
        });
    }

    pub(crate) fn bind(&self, version: &str, yaml: &str) {
        let text = ConfigText { version: version.to_owned(), text: Some(yaml.to_owned()) };
        self.change(|objects| objects.labels = Some(text));
    }

    fn ask<T>(&self, what: &'static str, look: impl FnOnce(&Objects) -> T) -> Result<T, ApiError> {
        let objects = self.0.lock().unwrap();
        if objects.is_silent {
            return Err(ApiError::Silent { what, limit: std::time::Duration::from_secs(5) });
        }
        Ok(look(&objects))
    }
}

#[tonic::async_trait]
impl Cluster for FakeCluster {
    async fn review(&self, token: &str) -> Result<ReviewedToken, ApiError> {
        let known = self.ask("TokenReview", |objects| objects.tokens.get(token).cloned())?;
        known.ok_or_else(|| TokenRefusal::NotAuthentic { why: "invalid bearer token".to_owned() }.into())
    }

    async fn pod(&self, name: &PodName) -> Result<Option<PodFacts>, ApiError> {
        self.ask("pod", |objects| objects.pods.get(name.name()).cloned())
    }

    async fn node(&self, name: &NodeName) -> Result<Option<NodeFacts>, ApiError> {
        self.ask("node", |objects| objects.nodes.get(name.as_str()).cloned())
    }

    async fn labels(&self, _: &ConfigMapName) -> Result<Option<ConfigText>, ApiError> {
        self.ask("ConfigMap", |objects| objects.labels.clone())
    }
}

pub(crate) fn auto(clearance: &str) -> ClusterSettings {
    let node_admission = NodeAdmission::Auto { clearance: clearance.parse().unwrap() };
    ClusterSettings { node_admission, ..manual() }
}

pub(crate) fn manual() -> ClusterSettings {
    ClusterSettings {
        agent_account: Some(AGENT.parse().unwrap()),
        directory_account: Some(CONTROLLER.parse().unwrap()),
        certificates_per_minute: 1000,
        ..ClusterSettings::default()
    }
}

impl World {
    /// A CA of a cluster in which nothing is yet.
    pub(crate) async fn of_cluster(settings: ClusterSettings) -> (Self, FakeCluster) {
        Self::of_cluster_with(settings, |_| ()).await
    }

    /// A CA of a cluster that is prepared before it starts.
    pub(crate) async fn of_cluster_with(
        settings: ClusterSettings,
        prepare: impl FnOnce(&FakeCluster),
    ) -> (Self, FakeCluster) {
        let cluster = FakeCluster::default();
        cluster.bind("0", "[]\n");
        prepare(&cluster);
        let kubernetes = Kubernetes::new(Arc::new(cluster.clone()), settings);
        (Self::with(move |options| options.kubernetes = Some(kubernetes)).await, cluster)
    }

    /// A cluster whose node `node-a` has joined.
    pub(crate) async fn with_node(settings: ClusterSettings) -> (Self, FakeCluster) {
        let (world, cluster) = Self::of_cluster(settings).await;
        cluster.node("node-a", 0xa);
        cluster.pod("agent-a", 0xaa, AGENT, "node-a");
        world.attest("agent-a").await.unwrap();
        (world, cluster)
    }

    pub(crate) async fn attest(&self, token: &str) -> Result<Identity, Status> {
        self.attest_as(token, &Applicant::new()).await
    }

    pub(crate) async fn attest_as(&self, token: &str, applicant: &Applicant) -> Result<Identity, Status> {
        let request = AttestRequest { token: token.to_owned(), csr: applicant.csr() };
        let mut client = AttestationClient::new(self.connect(None).await.unwrap());
        client.attest(request).await.map(|reply| applicant.with(reply.get_ref() as &CertificateReply))
    }
}
