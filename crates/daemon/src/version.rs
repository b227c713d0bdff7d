//! What `--version` prints: the release, and which sources the binary was built from.

use std::fmt;

/// A program's release and the digest of the sources that it was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The release, as Cargo knows it.
    pub release: &'static str,
    /// The digest, or `unset` where the build was not told.
    pub build: &'static str,
}

/// The version of this build.
pub const VERSION: Version = Version {
    release: env!("CARGO_PKG_VERSION"),
    build: match option_env!("BULKHEAD_BUILD_ID") {
        Some(id) => id,
        None => "unset",
    },
};

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (build {})", self.release, self.build)
    }
}
