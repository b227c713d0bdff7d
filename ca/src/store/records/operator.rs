//! An operator's record: who may command the CA, and how much.

use bulkhead_mesh::{OperatorName, Timestamp};

use super::words::words;

/// Somebody who commands the CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRecord {
    /// The name in the operator's certificate.
    pub name: OperatorName,
    /// How much may be commanded.
    pub role: Role,
    /// When the operator was added.
    pub added_at: Timestamp,
}

words! {
    /// How much an operator may command; each role includes those before it.
    Role {
        /// May tighten: quarantine, revoke, deny.
        Responder = "responder",
        /// May do the daily work as well.
        Operator = "operator",
        /// May loosen as well: policy, operators, authorities.
        Owner = "owner",
    }
}
