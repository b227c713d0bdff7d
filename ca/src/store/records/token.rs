//! A join token's record: everything but its secret.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest;
use bulkhead_mesh::{NodeName, SpkiDigest, Timestamp};

use super::Clearance;

/// One join token: what it admits, until when, and which key has used it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// What the secret is recognised by.
    pub secret_hash: TokenHash,
    /// The node that it admits.
    pub node: NodeName,
    /// The clearance that the node gets.
    pub clearance: Clearance,
    /// Whether whoever made it may let a node run more than it may already.
    pub may_loosen: bool,
    /// The addresses that the node gets.
    pub addresses: Vec<IpAddr>,
    /// The first moment at which it is worth nothing.
    pub expires: Timestamp,
    /// The one public key that may use it again.
    pub used_by: Option<SpkiDigest>,
}

/// SHA-256 of a token's secret. The secret has 32 random bytes, so it needs neither salt nor a slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// A token that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The token, with its user filled in.
    pub token: TokenRecord,
    /// Whether the same key had taken it before, and asks for a reply that was lost.
    pub again: bool,
}

impl TokenHash {
    /// The hash of this secret.
    pub fn of(secret: &[u8]) -> Self {
        let hashed = digest::digest(&digest::SHA256, secret);
        Self(hashed.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    /// The first bytes only: enough to tell two apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}{:02x}..)", self.0[0], self.0[1], self.0[2])
    }
}
