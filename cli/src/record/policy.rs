//! The policy in force, and a policy that was just applied.

use serde::Serialize;

use super::Position;

/// The policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownPolicy {
    /// Its place among the mesh facts; `null` for the policy of defaults, while none was ever applied.
    pub position: Option<Position>,
    /// The document as the CA tells it, defaults filled in; also what a newer CA knows and this command does not.
    pub policy: serde_json::Value,
}

/// A policy that the CA took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedPolicy {
    /// Its place among the mesh facts.
    pub position: Position,
}
