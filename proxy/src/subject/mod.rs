//! What stands in the index of live connections, and the judge of it.

mod cut;
mod judge;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_identity::VerifiedPeer;

pub use cut::Cut;
pub(crate) use judge::stale;
pub use judge::{admit, judge};

/// One thing that is open: a tunnel, or one connection of an application.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The other side, if it has shown a certificate.
    pub peer: Option<Arc<VerifiedPeer>>,
    /// What is open.
    pub kind: Kind,
}

/// What can be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tunnel, whoever opened it; what it carries stands in the index by itself.
    Tunnel,
    /// A connection to this workload.
    Inbound {
        /// The port that the workload listens on.
        port: u16,
    },
    /// A connection of this workload to another behind a sidecar.
    Outbound {
        /// The port that the other workload listens on.
        port: u16,
    },
    /// A connection of this workload to itself.
    Own {
        /// The port that it listens on.
        port: u16,
    },
    /// A connection of this workload out of the mesh.
    Egress {
        /// Where it leads.
        to: SocketAddr,
    },
    /// A connection of this workload to somebody in the mesh who has no sidecar.
    Plain {
        /// Where it leads.
        to: SocketAddr,
    },
}
