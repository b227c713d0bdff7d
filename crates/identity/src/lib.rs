//! Certificates: what a leaf says, who may have signed it, and the one place that verifies a peer.
//!
//! Nothing here waits or knows a socket: bytes and `now` go in, facts or a typed refusal come out. Only `keys` opens
//! files and asks for random bytes, and only `clock` reads one. Nothing here builds a certificate either: that is the
//! CA's, which lints what it builds with [`profile::inspect`], the same function that the verifier trusts.

pub mod binding;
pub mod bundle;
mod certificate;
pub mod clearance;
pub mod clock;
pub mod keys;
pub mod oid;
pub mod peer;
pub mod pem;
pub mod profile;
pub mod request;
pub mod scope;
pub mod tls;

pub use binding::NodeBinding;
pub use bundle::TrustBundle;
pub use certificate::{CertificateError, Limits, key_digest};
pub use clock::{Clock, SystemClock};
pub use keys::{KeyError, KeyStore, PrivateKey, StoredIdentity};
pub use peer::{AcceptedIssuers, Demand, PeerError, Truth, VerifiedPeer, Verifier};
pub use profile::{Leaf, LeafContent, LeafError};
pub use request::signing_request;
pub use scope::{IssuerScope, PurposeKind};

#[cfg(test)]
mod testing;
