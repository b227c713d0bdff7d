//! Why a call was not carried out, and the one place where that becomes a gRPC status.

use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::service::ServiceError;
use bulkhead_mesh::{InstanceId, Label, LevelName, NodeName, PolicyError};
use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::feed::signature::SignError as FeedSignError;
use tonic::{Code, Status};

use crate::caller::NotAllowed;
use crate::csr::CsrError;
use crate::dice::NoRandomness;
use crate::draft::DraftError;
use crate::evidence::EvidenceRefusal;
use crate::fanout::PublishError;
use crate::lint::LintError;
use crate::policy_file::PolicyFileError;
use crate::sign::SignError;
use crate::store::{Clearance, NodeRefusal, StoreError};

/// Why a call was not carried out. Nothing was changed, unless the variant says so.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Denied {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evidence(#[from] EvidenceRefusal),
    #[error("the certificate request is refused: {0}")]
    Csr(#[from] CsrError),
    #[error("the request cannot be read: {0}")]
    Convert(#[from] ConvertError),
    #[error("the name makes no SPIFFE ID: {0}")]
    Id(#[from] ParseSpiffeIdError),
    #[error("no workload {registration} is registered on node `{node}`")]
    NotRegistered { registration: InstanceId, node: NodeName },
    #[error("label `{label}` is outside the clearance of node `{node}`, which is `{clearance}`")]
    Clearance { label: Box<Label>, node: NodeName, clearance: Box<Clearance> },
    #[error("this mesh has no level `{level}`")]
    UnknownLevel { level: LevelName },
    #[error(
        "node `{node}` presented a certificate that a newer one has replaced: two machines hold its identity, so it is \
         in quarantine from now on"
    )]
    Copied { node: NodeName },
    #[error("{0}")]
    PolicyFile(#[from] PolicyFileError),
    #[error("{0}")]
    Policy(#[from] PolicyError),
    #[error(
        "level `{level}` had the number {was} and would have {is}: certificates that live would change their label"
    )]
    LevelChanged { level: LevelName, was: u8, is: String },
    #[error("a lifetime of {seconds} s is outside 60 s to 30 days")]
    TokenLifetime { seconds: u32 },
    #[error("field `{field}` has {found} items; at most {most} are possible")]
    TooMany { field: &'static str, found: usize, most: usize },
    #[error("write {found} came where write {expected} is due: numbers rise by one from 1")]
    OutOfOrder { found: u64, expected: u64 },
    #[error("there is no fact {n} in history {incarnation}")]
    NoSuchFact { incarnation: u64, n: u64 },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the certificate could not be drafted: {0}")]
    Draft(#[from] DraftError),
    #[error("the certificate did not pass its lint: {0}")]
    Lint(#[from] LintError),
    #[error("the certificate could not be signed: {0}")]
    Sign(#[from] SignError),
    #[error("the fact could not be signed: {0}")]
    FeedSign(#[from] FeedSignError),
    #[error("the service cannot be told to the mesh: {0}")]
    BadService(#[from] ServiceError),
    #[error("it is done, but the feed cannot tell it yet: {0}")]
    Publish(#[from] PublishError),
}

impl Denied {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(refusal) => refusal.hint().map(str::to_owned),
            Self::Csr(refusal) => refusal.hint().map(str::to_owned),
            Self::Policy(refusal) => refusal.hint(),
            Self::Evidence(refusal) => refusal.hint().map(str::to_owned),
            Self::NotAllowed(refusal) => refusal.hint().map(str::to_owned),
            Self::NotRegistered { .. } => Some("`bulkhead workload register` registers it".to_owned()),
            Self::Clearance { .. } => Some("register it on a node of its own security level".to_owned()),
            Self::Copied { .. } => Some("find out which machine is the copy, then revoke the node".to_owned()),
            _ => None,
        }
    }

    /// Whether the caller was refused, and did not merely meet a failure of the CA.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Evidence(refusal) => !refusal.is_failure(),
            Self::Store(StoreError::Node(_)) => true,
            _ => !matches!(self.code(), Code::Internal | Code::Unavailable),
        }
    }

    fn code(&self) -> Code {
        match self {
            // A caller that could not be looked up was not refused: it may try again.
            Self::NotAllowed(NotAllowed::Store(failure)) if !matches!(failure, StoreError::Node(_)) => {
                store_code(failure)
            }
            Self::Evidence(refusal) if refusal.is_passing() => Code::Unavailable,
            Self::LevelChanged { .. } | Self::Evidence(EvidenceRefusal::NoCluster) => Code::FailedPrecondition,
            Self::Evidence(_)
            | Self::NotAllowed(_)
            | Self::NotRegistered { .. }
            | Self::Clearance { .. }
            | Self::Copied { .. } => Code::PermissionDenied,
            Self::Store(refusal) => store_code(refusal),
            Self::Csr(_)
            | Self::Convert(_)
            | Self::Id(_)
            | Self::UnknownLevel { .. }
            | Self::PolicyFile(_)
            | Self::Policy(_)
            | Self::TooMany { .. }
            | Self::OutOfOrder { .. }
            | Self::TokenLifetime { .. } => Code::InvalidArgument,
            Self::NoSuchFact { .. } => Code::NotFound,
            Self::NoRandomness(_)
            | Self::Draft(_)
            | Self::Lint(_)
            | Self::Sign(_)
            | Self::FeedSign(_)
            | Self::BadService(_)
            | Self::Publish(_) => Code::Internal,
        }
    }
}

fn store_code(refusal: &StoreError) -> Code {
    match refusal {
        StoreError::Node(NodeRefusal::Unknown { .. }) => Code::NotFound,
        StoreError::Listing(_) => Code::Aborted,
        // A node that waits comes in as soon as an operator says so: whoever asks on is let in then.
        StoreError::Node(NodeRefusal::Waiting { .. }) | StoreError::Busy { .. } | StoreError::Closed => {
            Code::Unavailable
        }
        StoreError::Node(_) | StoreError::Token(_) => Code::PermissionDenied,
        StoreError::Registration(_) | StoreError::Service(_) | StoreError::Operator(_) => Code::FailedPrecondition,
        _ => Code::Internal,
    }
}

impl From<Denied> for Status {
    /// The sentence and its hint, each on a line of its own.
    fn from(denied: Denied) -> Self {
        let hint = denied.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        Self::new(denied.code(), format!("{denied}{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_could_not_be_looked_up_is_not_refused() {
        let node = || "n1".parse().unwrap();
        let (unknown, waiting) = (NodeRefusal::Unknown { node: node() }, NodeRefusal::Waiting { node: node() });
        let waits = Denied::from(StoreError::from(waiting));
        assert_eq!((waits.code(), waits.is_refusal()), (Code::Unavailable, true), "{waits}");
        for (failure, code, is_refusal) in [
            (StoreError::Closed, Code::Unavailable, false),
            (StoreError::Abandoned, Code::Internal, false),
            (StoreError::Node(unknown), Code::PermissionDenied, true),
        ] {
            let denied = Denied::from(NotAllowed::from(failure));
            assert_eq!((denied.code(), denied.is_refusal()), (code, is_refusal), "{denied}");
        }
    }
}
