//! How many descriptors this process and those that it starts may have open.

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, and returns that. Whatever is started from here on inherits it.
pub fn raise() -> Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("the limit of open descriptors cannot be read")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("the limit of open descriptors cannot be raised")?;
    Ok(hard)
}
