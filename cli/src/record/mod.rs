//! What the CA tells an operator. The `serde` form of these types is what `-o json` prints, and is a promise: fields
//! may be added, none is renamed or removed. `cli/README.md` describes each.

mod clearance;
mod moment;
mod node;
mod policy;
mod revocation;
mod service;
mod status;
mod token;
mod word;
mod workload;

use serde::Serialize;

pub use clearance::Clearance;
pub use moment::Moment;
pub use node::{Node, NodeOrder};
pub use policy::{AppliedPolicy, ShownPolicy};
pub use revocation::{Receipt, Revocation, Silent};
pub use service::Service;
pub use status::Status;
pub use token::{Token, TokenInFile};
pub use word::{ParseWordError, Word};
pub use workload::{Registration, RemovedWorkload, Workload};

/// A point in the history of mesh facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Which history: a CA restored from a backup begins another one.
    pub incarnation: u64,
    /// How many facts that history has had.
    pub n: u64,
}
