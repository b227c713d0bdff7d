//! Why a token proves nothing here, or nothing yet.

use bulkhead_cluster::clearance::ClearanceError;
use bulkhead_cluster::{ApiError, PodName, Uid};
use bulkhead_mesh::{NodeName, WorkloadName};

/// Why a token proves nothing here, or nothing yet.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum EvidenceRefusal {
    #[error("this CA belongs to no Kubernetes cluster")]
    NoCluster,
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("there is no pod `{pod}` any more")]
    NoPod { pod: PodName },
    #[error("the token is for an earlier pod `{pod}`: its UID is {token}, and there is {found} now")]
    OtherPod { pod: PodName, token: Uid, found: Uid },
    #[error("the token says that pod `{pod}` stands on node `{token}`, and it does not")]
    OtherNode { pod: PodName, token: NodeName },
    #[error("the token belongs to `{token}`, and pod `{pod}` runs as `{found}`")]
    OtherAccount { pod: PodName, token: WorkloadName, found: WorkloadName },
    #[error("pod `{pod}` has ended")]
    Ended { pod: PodName },
    #[error("pod `{pod}` has no sidecar, so the mesh knows it as a party without a certificate")]
    NoSidecar { pod: PodName },
    #[error("node `{node}`, on which pod `{pod}` stands, has not joined the mesh yet")]
    NotJoined { pod: PodName, node: NodeName },
    #[error("pod `{pod}` has no address yet")]
    NoAddress { pod: PodName },
    #[error("the list of workloads' labels has not been read yet")]
    NoLabelsYet,
    #[error("the label of pod `{pod}` has just changed")]
    JustRelabelled { pod: PodName },
    #[error("{most} tokens are being looked into already")]
    Crowded { most: usize },
    #[error("pod `{pod}` was issued {most} certificates within a minute, which is as many as one may be")]
    TooOften { pod: PodName, most: u32 },
    #[error("there is no node `{node}` with the UID {uid} in the cluster any more")]
    NoNode { node: NodeName, uid: Uid },
    #[error(transparent)]
    Clearance(#[from] ClearanceError),
}

impl EvidenceRefusal {
    /// What a person can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoCluster => Some("`bulkhead-ca serve --kubernetes` asks the cluster in which it runs"),
            Self::Api(error) => error.hint(),
            Self::NoSidecar { .. } => Some("label its namespace `bulkhead-mesh.dev/inject=enabled`, and make it anew"),
            Self::NoAddress { .. } | Self::JustRelabelled { .. } | Self::Crowded { .. } => {
                Some("ask again in a second")
            }
            Self::TooOften { .. } => Some("it keeps the last one; `--certificates-per-minute` of the CA says how many"),
            Self::NotJoined { .. } => {
                Some("its agent joins by itself, or once `bulkhead node admit NAME --clearance LABEL` was said")
            }
            Self::NoLabelsYet => Some("look at the CA's log: it says why the ConfigMap cannot be read"),
            _ => None,
        }
    }

    /// Whether the same question may be answered in a while, without anybody's doing.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Api(error) => !matches!(error, ApiError::Token(_)),
            Self::NotJoined { .. }
            | Self::NoAddress { .. }
            | Self::JustRelabelled { .. }
            | Self::Crowded { .. }
            | Self::TooOften { .. }
            | Self::NoLabelsYet => true,
            _ => false,
        }
    }

    /// Whether it is the CA's own trouble and no word about the caller.
    pub const fn is_failure(&self) -> bool {
        match self {
            Self::Api(error) => !matches!(error, ApiError::Token(_)),
            Self::NoLabelsYet | Self::Crowded { .. } => true,
            _ => false,
        }
    }
}
