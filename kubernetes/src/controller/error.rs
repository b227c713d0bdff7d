//! Why the controller cannot run.

use bulkhead_daemon::AdminError;
use tokio::task::JoinError;

use super::authority::FileError;

/// Why the controller cannot run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ControllerError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("there is neither a cluster around this program nor a KUBECONFIG that names one")]
    NoCluster(#[source] Box<kube::config::InferConfigError>),
    #[error("the Kubernetes API cannot be spoken to")]
    Client(#[source] Box<kube::Error>),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("a part of the controller has failed")]
    Task(#[source] JoinError),
}

impl ControllerError {
    /// What a person can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File(error) => Some(error.hint()),
            Self::NoCluster(_) => Some("run it in a pod, or set KUBECONFIG"),
            Self::Admin(error) => Some(error.hint()),
            Self::Client(_) | Self::Task(_) => None,
        }
    }
}
