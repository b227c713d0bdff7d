//! What `--version` prints: the release, and which sources the binary was built from.

/// `0.1.0 (build 51c668aa5cf1feea)`: the release, and the digest of the sources that it was built from, or `unset` where
/// the build was not told.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (build ", env!("BULKHEAD_BUILD_ID"), ")");
