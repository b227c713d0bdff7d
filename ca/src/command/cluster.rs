//! The flags of `serve` about a Kubernetes cluster whose pods prove themselves by their tokens.

use std::str::FromStr;
use std::sync::Arc;

use bulkhead_ca::evidence::{ClusterSettings, ConfigMapName, Kubernetes, NodeAdmission};
use bulkhead_cluster::KubernetesApi;
use bulkhead_cluster::names::TOKEN_AUDIENCE;
use bulkhead_mesh::policy::Period;
use bulkhead_mesh::{Label, WorkloadName};
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};

use super::with_hint;

/// Flags about a Kubernetes cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(super) struct ClusterArgs {
    /// Lets pods and nodes of a Kubernetes cluster prove themselves by their tokens: of the cluster in which this pod runs,
    /// or of the one that `KUBECONFIG` names. Without it no API server is ever asked.
    #[arg(long, env = "BULKHEAD_KUBERNETES", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    kubernetes: bool,
    /// The audience that a token must have been made for.
    #[arg(long, env = "BULKHEAD_TOKEN_AUDIENCE", default_value = TOKEN_AUDIENCE, value_name = "AUDIENCE")]
    token_audience: String,
    /// The service account of the agents: its tokens get the certificate of the node on which their pod stands.
    #[arg(long, env = "BULKHEAD_AGENT_ACCOUNT", value_name = "NAMESPACE/NAME")]
    agent_account: Option<Account>,
    /// The service account of the directory's source: its tokens get `/control/directory`.
    #[arg(long, env = "BULKHEAD_DIRECTORY_ACCOUNT", value_name = "NAMESPACE/NAME")]
    directory_account: Option<Account>,
    /// How a node comes in whose agent proves to stand on it: when an operator has said `bulkhead node admit`, or by
    /// itself. A revoked name, and a revoked machine, never come back by either.
    #[arg(long, env = "BULKHEAD_NODE_ADMISSION", value_enum, default_value_t)]
    node_admission: Admission,
    /// With `--node-admission auto`: the highest label that a node may run about which nothing else is said. The label
    /// `node-restriction.kubernetes.io/bulkhead-clearance` of its Node object says another: `level.category.category`.
    #[arg(long, env = "BULKHEAD_NODE_CLEARANCE", value_name = "LABEL", required_if_eq("node_admission", "auto"))]
    node_clearance: Option<Label>,
    /// The ConfigMap with the labels of workloads, in its key `labels.yaml`; without it each has the policy's default
    /// label. Whoever may write it decides who is confidential.
    #[arg(long, env = "BULKHEAD_BINDINGS", value_name = "NAMESPACE/NAME")]
    bindings: Option<ConfigMapName>,
    /// How often to look whether that has changed.
    #[arg(long, env = "BULKHEAD_BINDINGS_INTERVAL", default_value = "2s", value_name = "PERIOD")]
    bindings_interval: Period,
    /// How long the API server may take to answer a question.
    #[arg(long, env = "BULKHEAD_KUBERNETES_TIMEOUT", default_value = "5s", value_name = "PERIOD")]
    kubernetes_timeout: Period,
    /// How many tokens may be looked into at a time.
    #[arg(long, env = "BULKHEAD_TOKEN_REVIEWS", default_value_t = 64, value_name = "NUMBER")]
    token_reviews: usize,
    /// How many certificates one pod may be issued within a minute.
    #[arg(long, env = "BULKHEAD_CERTIFICATES_PER_MINUTE", default_value_t = 10, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    certificates_per_minute: u32,
}

/// A service account, written `NAMESPACE/NAME`.
#[derive(Clone, Debug)]
struct Account(WorkloadName);

/// How a node of the cluster comes in.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Admission {
    /// When an operator has said so.
    #[default]
    Manual,
    /// By itself.
    Auto,
}

impl ClusterArgs {
    /// The cluster that was asked for, with the way to it built.
    pub(super) async fn connect(self) -> anyhow::Result<Option<Kubernetes>> {
        if !self.kubernetes {
            return Ok(None);
        }
        let deadline = self.kubernetes_timeout.duration();
        let api = KubernetesApi::connect(self.token_audience.clone(), deadline).await.map_err(with_hint)?;
        Ok(Some(Kubernetes::new(Arc::new(api), self.settings()?)))
    }

    fn settings(self) -> anyhow::Result<ClusterSettings> {
        let node_admission = match (self.node_admission, self.node_clearance) {
            (Admission::Manual, _) => NodeAdmission::Manual,
            (Admission::Auto, Some(clearance)) => NodeAdmission::Auto { clearance },
            (Admission::Auto, None) => anyhow::bail!("`--node-admission auto` needs `--node-clearance`"),
        };
        Ok(ClusterSettings {
            agent_account: self.agent_account.map(|account| account.0),
            directory_account: self.directory_account.map(|account| account.0),
            node_admission,
            bindings: self.bindings,
            bindings_every: self.bindings_interval.duration(),
            reviews: self.token_reviews.max(1),
            certificates_per_minute: self.certificates_per_minute,
        })
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.split_once('/').and_then(|(namespace, name)| format!("ns/{namespace}/sa/{name}").parse().ok());
        read.map(Self).ok_or_else(|| format!("`{text}` is no service account: write NAMESPACE/NAME"))
    }
}
