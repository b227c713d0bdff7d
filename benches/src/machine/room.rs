//! How many connections a program can hold, as its limit of descriptors has it.

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The limit of descriptors of every program that is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    descriptors: u64,
}

impl Room {
    /// Room under this limit.
    pub const fn of(descriptors: u64) -> Self {
        Self { descriptors }
    }

    /// Raises the limit of this process and of what it starts, so that any proxy can hold so many connections; the hard
    /// one too where it is too low and that is allowed.
    pub(super) fn make(connections: u32) -> Result<Self> {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot read the limit of descriptors")?;
        let wanted = needed(connections).max(COMFORTABLE);
        if hard < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
            return Ok(Self::of(wanted));
        }
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise the limit of descriptors")?;
        Ok(Self::of(hard))
    }

    /// Connections that a proxy can hold: each needs one descriptor where it comes in, and one where it goes on, unless
    /// it goes on in a pool.
    pub fn connections(self, pooled: bool) -> u32 {
        let for_each = if pooled { 1 } else { 2 };
        u32::try_from(self.descriptors.saturating_sub(SPARE) / for_each).unwrap_or(u32::MAX)
    }

    /// What a reader must know where so many connections do not fit everywhere.
    pub(super) fn warning(self, connections: u32) -> Option<String> {
        let (alone, pooled) = (self.connections(false), self.connections(true));
        (alone < connections).then(|| {
            format!(
                "a process may open {} descriptors, {} are needed for {connections} idle connections: there are no \
                 figures of more than {} with a proxy that pools them and of more than {alone} with another",
                self.descriptors,
                needed(connections),
                pooled.min(connections)
            )
        })
    }
}

fn needed(connections: u32) -> u64 {
    2 * u64::from(connections) + SPARE
}

/// Listeners, logs, tunnels, the runtime's own.
const SPARE: u64 = 512;
const COMFORTABLE: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_fit_as_are_needed() {
        for held in [0, 1, 1000, 10_000] {
            assert_eq!(Room::of(needed(held)).connections(false), held);
        }
        for (descriptors, alone, pooled) in [(100, 0, 0), (20_000, 9744, 19_488), (u64::MAX, u32::MAX, u32::MAX)] {
            let room = Room::of(descriptors);
            assert_eq!((room.connections(false), room.connections(true)), (alone, pooled));
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let said = Room::of(20_000).warning(10_000).unwrap();
        assert!(said.starts_with("a process may open 20000 descriptors, 20512 are needed for 10000 idle"), "{said}");
        assert!(said.ends_with("more than 10000 with a proxy that pools them and of more than 9744 with another"));
        assert_eq!(Room::of(20_512).warning(10_000), None);
        assert_eq!(Room::of(1024).warning(0), None);
    }
}
