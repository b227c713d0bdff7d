//! How the CA is.

use bulkhead_mesh::TrustDomain;
use serde::Serialize;

use super::{Moment, Position};

/// How the CA is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The mesh.
    pub trust_domain: TrustDomain,
    /// The CA's version.
    pub version: String,
    /// The newest mesh fact.
    pub position: Position,
    /// Nodes on record.
    pub nodes: u32,
    /// Workloads registered.
    pub workloads: u32,
    /// Watch streams open.
    pub watchers: u32,
    /// The head of the audit log, in hex.
    pub audit_head: String,
    /// The CA's time.
    pub now: Moment,
}
