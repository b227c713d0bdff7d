//! The values that a label can have.

use prometheus_client::encoding::EncodeLabelSet;

/// Why a call to a workload's socket was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedCall {
    /// The SPIFFE header was missing.
    Header,
    /// Another user or group.
    Caller,
    /// Too many connections.
    Connections,
}

/// What was asked of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A workload's certificate.
    Issue,
    /// The node's next certificate.
    Renew,
    /// The node's certificate, by the token of the agent's pod.
    Attest,
    /// The stream of registrations.
    Watch,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As asked.
    Done,
    /// The CA said no: the node is revoked, or the registration is not this node's.
    Refused,
    /// The CA could not be reached or did not answer as it should.
    Failed,
}

impl RefusedCall {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Caller => "caller",
            Self::Connections => "connections",
        }
    }
}

impl Asked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Renew => "renew",
            Self::Attest => "attest",
            Self::Watch => "watch",
        }
    }
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

bulkhead_daemon::label_values!(RefusedCall, Asked, Outcome);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RefusedLabels {
    pub(super) reason: RefusedCall,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) asked: Asked,
    pub(super) outcome: Outcome,
}
