//! Waiting for a state, under one deadline: the only place that sleeps.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::LabError;

/// What a look at the world returns: the state that was waited for, or what was seen instead.
pub trait Probe {
    /// The state, once it is reached.
    type State;
    /// The state, or the words for what is there now.
    fn seen(self) -> Result<Self::State, String>;
}

impl<T> Probe for Option<T> {
    type State = T;
    fn seen(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Display> Probe for Result<T, E> {
    type State = T;
    fn seen(self) -> Result<T, String> {
        self.map_err(|instead| instead.to_string())
    }
}

/// Looks again and again until `probe` finds its state; after `deadline` the error says what was seen last.
///
/// It looks at least once, and once more after the deadline, so that a machine that stood still is not an error.
pub fn until<P: Probe>(deadline: Duration, what: &str, mut probe: impl FnMut() -> P) -> Result<P::State, LabError> {
    let begun = Instant::now();
    loop {
        let late = begun.elapsed() >= deadline;
        match probe().seen() {
            Ok(state) => return Ok(state),
            Err(seen) if late => return Err(LabError::NotReached { what: what.to_owned(), deadline, seen }),
            Err(_) => thread::sleep(PACE),
        }
    }
}

/// Short beside a process's start, long beside a look at a file.
const PACE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_deadline_tells_what_was_seen_last() {
        let mut looks = 0;
        let error = until(Duration::from_millis(20), "six workloads", || {
            looks += 1;
            Err::<(), _>(format!("{looks} workloads"))
        })
        .unwrap_err();
        assert_eq!(error.to_string(), format!("six workloads: not seen within 20ms; last seen: {looks} workloads"));
    }

    #[test]
    fn a_state_that_is_there_needs_no_time() {
        assert_eq!(until(Duration::ZERO, "an answer", || Some(42)).unwrap(), 42);
    }
}
