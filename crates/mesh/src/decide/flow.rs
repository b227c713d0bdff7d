//! What is decided about: two parties and a port.

use std::fmt;

use crate::{Label, WorkloadName};

/// One connection that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow<'a> {
    /// Who calls.
    pub client: Party<'a>,
    /// Who is called.
    pub server: Party<'a>,
    /// The port that the server's application listens on.
    pub port: u16,
    /// From which end this is seen; it has no influence on the decision.
    pub direction: Direction,
}

/// Who is at one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party<'a> {
    /// Nobody who showed a certificate: below every label, and named only by rules that say `unauthenticated`.
    Unauthenticated,
    /// A workload, as its verified certificate says.
    Workload {
        /// Its account.
        name: &'a WorkloadName,
        /// Its label.
        label: &'a Label,
    },
}

/// From which end a connection is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// At the server's sidecar.
    Inbound,
    /// At the client's sidecar.
    Outbound,
}

impl<'a> Party<'a> {
    /// The label; `None` for who has no certificate.
    pub fn label(self) -> Option<&'a Label> {
        match self {
            Self::Unauthenticated => None,
            Self::Workload { label, .. } => Some(label),
        }
    }
}

impl fmt::Display for Party<'_> {
    /// As the policy sees it: its label in backticks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label() {
            Some(label) => write!(f, "`{label}`"),
            None => f.write_str("a party without a certificate"),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        })
    }
}
