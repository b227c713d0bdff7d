//! What proves that a workload runs where its certificate will say: one module per kind of proof.

mod agent;
mod cluster;
pub(crate) mod labels;
pub mod pod_token;
mod refusal;

use bulkhead_mesh::InstanceId;

pub use cluster::{Cluster, ClusterSettings, ConfigMapName, Kubernetes, NodeAdmission};
pub use refusal::EvidenceRefusal;

use crate::denied::Denied;
use crate::draft::WorkloadFacts;
use crate::store::{NodeRecord, Snapshot};

/// A claim about a workload, made by a node that has proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// An operator registered this workload on the calling node.
    Agent {
        /// The registration.
        registration: InstanceId,
    },
}

impl Evidence {
    /// What the evidence proves about a workload on `node`, as the records stand at this moment.
    pub fn prove(&self, now: &Snapshot<'_>, node: &NodeRecord) -> Result<WorkloadFacts, Denied> {
        match self {
            Self::Agent { registration } => agent::prove(now, node, *registration),
        }
    }
}
