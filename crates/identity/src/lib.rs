//! Certificates: what a leaf says, who may have signed it, and the one place that verifies a peer.
//!
//! Nothing here waits or knows a socket: bytes and `now` go in, facts or a typed refusal come out. Only `keys` opens
//! files and asks for random bytes. Nothing here builds a certificate either: that is the CA's, which lints what it
//! builds with [`profile::inspect`], the same function that the verifier trusts.

pub mod binding;
pub mod clearance;
pub mod oid;
pub mod scope;

pub use binding::NodeBinding;
pub use scope::{IssuerScope, PurposeKind};

#[cfg(test)]
mod testing;
