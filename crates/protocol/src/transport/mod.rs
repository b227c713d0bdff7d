//! gRPC over mutual TLS, accepted and opened with the configurations of `identity`.
//!
//! tonic's own TLS settings take a CA root and no verifier, so the connections are made here and handed to tonic.

mod accept;
mod connect;
mod share;

pub use accept::{AcceptLimits, Accepted, ConnectedPeer, Refused, incoming};
pub use connect::{ConnectError, ConnectLimits, connect};
pub use share::{Place, Shares};
