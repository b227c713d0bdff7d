//! What the audit log says of one act: who, what, to whom, and what came of it.

use std::fmt;
use std::str::FromStr;

use bulkhead_cluster::PodName;
use bulkhead_cluster::pod_name::ParsePodNameError;
use bulkhead_mesh::name::ParseNameError;
use bulkhead_mesh::{NodeName, OperatorName, Timestamp};

use crate::store::records::words::words;

/// What happened once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The CA's time.
    pub at: Timestamp,
    /// Who did it or asked for it.
    pub actor: Actor,
    /// What it was.
    pub action: Action,
    /// To what: a node, a registration, a serial.
    pub subject: String,
    /// Whatever else a reader needs: the reason, the label, the position.
    pub detail: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// Who did something, written `operator/ada`, `node/n1`, `token/n1`, `pod/shop/web-1` or `ca`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An operator, by certificate.
    Operator(OperatorName),
    /// A node, by certificate.
    Node(NodeName),
    /// Whoever had the join token of this node.
    Token(NodeName),
    /// A pod of a cluster, by its token.
    Pod(PodName),
    /// The CA on its own account.
    Ca,
}

words! {
    /// What was done.
    Action {
        /// The CA got its keys, its first operator and its first history.
        Initialise = "initialise",
        /// The CA began to serve.
        Start = "start",
        /// A new history of facts.
        BeginIncarnation = "begin-incarnation",
        /// A join token was made.
        CreateToken = "create-token",
        /// A node joined, for the first time or with a new key.
        AdmitNode = "admit-node",
        /// A node of a cluster is to be let in when it comes.
        OrderNode = "order-node",
        /// A node's certificate was renewed.
        RenewNode = "renew-node",
        /// A node is not served for now.
        QuarantineNode = "quarantine-node",
        /// A quarantined node is served again.
        ReleaseNode = "release-node",
        /// A node was cut off.
        RevokeNode = "revoke-node",
        /// A workload was registered on a node.
        RegisterWorkload = "register-workload",
        /// A registration was removed.
        RemoveWorkload = "remove-workload",
        /// A workload got another label.
        RelabelWorkload = "relabel-workload",
        /// A certificate was issued to a workload, or to the source of the directory.
        IssueCertificate = "issue-certificate",
        /// A service was created.
        CreateService = "create-service",
        /// A service was removed.
        RemoveService = "remove-service",
        /// Another policy is in force.
        ApplyPolicy = "apply-policy",
        /// Another set of issuers is accepted.
        AcceptIssuers = "accept-issuers",
        /// An identity, instance, serial or issuer was cut off.
        CutOff = "cut-off",
        /// A cutoff was taken back.
        Lift = "lift",
        /// An operator was added.
        AddOperator = "add-operator",
        /// An operator got another role.
        SetRole = "set-role",
        /// An operator was removed.
        RemoveOperator = "remove-operator",
    }
}

words! {
    /// What came of it.
    Outcome {
        /// It was done.
        Done = "done",
        /// It was refused to an authenticated caller.
        Refused = "refused",
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(name) => write!(f, "operator/{name}"),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Token(node) => write!(f, "token/{node}"),
            Self::Pod(name) => write!(f, "pod/{name}"),
            Self::Ca => f.write_str("ca"),
        }
    }
}

impl FromStr for Actor {
    type Err = ParseActorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some(("operator", name)) => Ok(Self::Operator(name.parse()?)),
            Some(("node", name)) => Ok(Self::Node(name.parse()?)),
            Some(("token", node)) => Ok(Self::Token(node.parse()?)),
            Some(("pod", name)) => Ok(Self::Pod(name.parse()?)),
            None if text == "ca" => Ok(Self::Ca),
            _ => Err(ParseActorError::Kind { text: text.into() }),
        }
    }
}

/// Why a text names no actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseActorError {
    #[error("`{text}` is none of `operator/<name>`, `node/<name>`, `token/<node>`, `pod/<namespace>/<name>` and `ca`")]
    Kind { text: String },
    #[error("the name of the actor is not valid")]
    Name(#[from] ParseNameError),
    #[error("the pod of the actor is not valid")]
    Pod(#[from] ParsePodNameError),
}
