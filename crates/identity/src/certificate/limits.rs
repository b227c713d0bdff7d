//! Limits on what a peer may make us read.

/// How much of a peer's bytes is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Certificates in a chain. Ours has two: leaf and intermediate.
    pub certificates: usize,
    /// Bytes of one certificate. A leaf with the longest label we allow has about 5 kB.
    pub certificate_bytes: usize,
    /// Extensions of one certificate. A leaf of ours has eight.
    pub extensions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { certificates: 4, certificate_bytes: 16 * 1024, extensions: 16 }
    }
}
