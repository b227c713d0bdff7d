//! What `--version` prints: the release, and which sources the binary was built from.

use std::sync::OnceLock;

/// The release, e.g. `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `0.1.0 (build 51c668aa5cf1feea)`, for `--version`.
///
/// `build` is `option_env!("BULKHEAD_BUILD_ID")`, the digest of the sources that the Makefile takes; each program asks
/// for it in its own command line, so that a new digest compiles nothing else anew.
pub fn text(build: Option<&'static str>) -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{VERSION} (build {})", build.unwrap_or("unset")))
}
