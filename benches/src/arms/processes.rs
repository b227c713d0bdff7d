//! Which processes a proxy consists of.

use std::iter;

use bulkhead_measure::clocks::{ClockError, children};

/// A process, which may have ended, and all that it started and they started.
pub(super) fn family(pid: u32) -> Result<Vec<u32>, ClockError> {
    let below = match children(pid) {
        Err(ClockError::Gone { .. }) => Vec::new(),
        found => found?,
    };
    Ok(iter::once(pid).chain(below).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_measure::clocks::is_running;
    use std::process::{Command, Stdio};

    #[test]
    fn a_family_has_the_children_of_children() {
        let shell = ["-c", "sh -c 'cat; :' ; :"];
        let mut child = Command::new("sh").args(shell).stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        while family(pid).unwrap().len() < 3 {
            assert!(is_running(pid).unwrap());
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!is_running(pid).unwrap());
        assert_eq!(family(pid).unwrap(), [pid]);
    }
}
