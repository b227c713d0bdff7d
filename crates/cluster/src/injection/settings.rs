//! What the mesh's operator has settled for all pods, and what must be known of a pod's namespace.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bulkhead_mesh::TrustDomain;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;

/// What is the same for every pod of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The injector's own version, for the pod's annotation.
    pub version: String,
    /// What is run in the pod.
    pub images: Images,
    /// The CA's addresses, `host:port`.
    pub ca: Vec<String>,
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// For whom the pod's token is: the CA believes no other.
    pub audience: String,
    /// The ConfigMap of each namespace with the mesh's roots, under the key `root.pem`.
    pub trust_config_map: String,
    /// Where on each node the agent keeps the node's identity.
    pub agent_directory: String,
    /// The mesh's addresses, as in the policy.
    pub mesh_cidrs: Vec<IpNet>,
    /// The name servers that pods may ask directly.
    pub resolvers: Vec<IpAddr>,
    /// What a sidecar asks of its node where the pod says nothing else.
    pub resources: Resources,
    /// What a sidecar logs where the pod says nothing else.
    pub log_level: LogLevel,
    /// How long from now a pod may be permissive at most.
    pub longest_permissive: Duration,
}

/// The images of the two containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Of the sidecar.
    pub proxy: String,
    /// Of the init container that installs the capture rules.
    pub capture: String,
    /// When they are pulled; none is Kubernetes' own rule.
    pub pull_policy: Option<PullPolicy>,
}

/// When an image is pulled, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// Where the node has it not.
    IfNotPresent,
    /// Never.
    Never,
}

/// What a sidecar asks of its node. There is no limit of processor time: it would slow the application's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Processor time that is kept for it.
    pub cpu_request: Quantity,
    /// Memory that is kept for it.
    pub memory_request: Quantity,
    /// The memory beyond which it is killed; none is no such bound.
    pub memory_limit: Option<Quantity>,
}

/// How much a sidecar logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What somebody must look at.
    Error,
    /// What somebody should know.
    Warn,
    /// A line for each connection, too.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

/// A pod's namespace, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// The value of its label [`INJECT`](crate::names::INJECT).
    pub inject: Option<String>,
    /// The value of its label [`POD_SECURITY`](crate::names::POD_SECURITY); none is what the cluster has by default.
    pub pod_security: Option<String>,
    /// Whether it is the cluster's or the mesh's own, and so never injected.
    pub is_system: bool,
}

/// Why a text is no log level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of error, warn, info, debug, trace")]
pub struct ParseLogLevelError {
    text: String,
}

impl LogLevel {
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Error, "error"),
        (Self::Warn, "warn"),
        (Self::Info, "info"),
        (Self::Debug, "debug"),
        (Self::Trace, "trace"),
    ];
}

impl FromStr for LogLevel {
    type Err = ParseLogLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::WORDS.iter().find(|(_, word)| *word == text).map(|(level, _)| *level);
        found.ok_or_else(|| ParseLogLevelError { text: text.to_owned() })
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(level, _)| level == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}
