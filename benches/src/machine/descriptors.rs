//! How many connections a process may hold: a proxy needs two descriptors for each.

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors for so many connections through a proxy.
pub(super) fn needed(connections: u32) -> u64 {
    2 * u64::from(connections) + SPARE
}

/// Connections that a proxy with so many descriptors can hold.
pub(super) fn connections(descriptors: u64) -> u32 {
    u32::try_from(descriptors.saturating_sub(SPARE) / 2).unwrap_or(u32::MAX)
}

/// Raises the limit of this process and of what it starts, the hard one too where it is too low and that is allowed;
/// returns the limit that stands.
pub(super) fn raise(needed: u64) -> Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot read the limit of descriptors")?;
    let wanted = needed.max(COMFORTABLE);
    if hard < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
        return Ok(wanted);
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise the limit of descriptors")?;
    Ok(hard)
}

/// Listeners, logs, the runtime's own.
const SPARE: u64 = 512;
const COMFORTABLE: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_fit_as_are_needed() {
        for held in [0, 1, 1000, 10_000] {
            assert_eq!(connections(needed(held)), held);
        }
        assert_eq!(connections(100), 0);
        assert_eq!(connections(u64::MAX), u32::MAX);
    }
}
