//! How many sockets this process may open.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::error::LoadError;

/// Raises the soft limit of open descriptors to the hard one, and says so where `sockets` do not fit below it.
pub(super) fn ensure(sockets: u64) -> Result<(), LoadError> {
    let cannot = |error| LoadError::Limit { source: io::Error::from(error) };
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE).map_err(cannot)?;
    setrlimit(Resource::RLIMIT_NOFILE, limit, limit).map_err(cannot)?;
    let needed = sockets.saturating_add(OTHERS);
    if needed > limit { Err(LoadError::Descriptors { needed, limit }) } else { Ok(()) }
}

/// Those of the runtime, and the three that every process has.
const OTHERS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_sockets_than_descriptors_are_refused_in_words() {
        ensure(100).unwrap();
        let refused = ensure(u64::MAX).unwrap_err().to_string();
        assert!(refused.starts_with("18446744073709551615 descriptors are needed, but only "), "{refused}");
    }
}
