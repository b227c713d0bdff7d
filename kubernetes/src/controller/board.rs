//! What stands and what does not, for `/ready`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::metrics::Kind;

/// What each part says of itself.
#[derive(Debug, Default)]
pub struct Board(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    watches: HashMap<Kind, Watch>,
    ca: Ca,
}

#[derive(Debug, Default)]
struct Watch {
    listed: bool,
    failed: Option<(Instant, String)>,
}

#[derive(Debug, Default)]
enum Ca {
    #[default]
    NotReached,
    Failed(String),
    Listening,
    Settled,
}

impl Board {
    /// A watch has told something.
    pub fn watch_told(&self, kind: Kind, listed: bool) {
        self.with(|standing| {
            let watch = standing.watches.entry(kind).or_default();
            watch.listed |= listed;
            watch.failed = None;
        });
    }

    /// A watch has broken off.
    pub fn watch_failed(&self, kind: Kind, problem: String, now: Instant) {
        self.with(|standing| standing.watches.entry(kind).or_default().failed = Some((now, problem)));
    }

    /// The CA takes writes; `settled` when it has everything there was.
    pub fn ca_listens(&self, settled: bool) {
        self.with(|standing| standing.ca = if settled { Ca::Settled } else { Ca::Listening });
    }

    /// The CA takes no writes.
    pub fn ca_failed(&self, problem: String) {
        self.with(|standing| standing.ca = Ca::Failed(problem));
    }

    /// What is missing.
    pub fn not_ready(&self, now: Instant) -> Option<String> {
        self.with(|standing| standing.watches_missing(now).or_else(|| standing.ca_missing()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Standing) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Standing {
    /// A watch that goes on after a failure says so only when there is something to tell; but one that does not go on says
    /// so again and again.
    fn watches_missing(&self, now: Instant) -> Option<String> {
        Kind::ALL.into_iter().find_map(|kind| match self.watches.get(&kind) {
            Some(Watch { failed: Some((when, problem)), .. }) if now.duration_since(*when) < BELIEVED => {
                Some(format!("the watch of {} fails: {problem}", kind.as_str()))
            }
            Some(Watch { listed: true, .. }) => None,
            _ => Some(format!("{} are not listed yet", kind.as_str())),
        })
    }

    fn ca_missing(&self) -> Option<String> {
        match &self.ca {
            Ca::Settled => None,
            Ca::Listening => Some("the CA has not got everything yet".to_owned()),
            Ca::NotReached => Some("the CA is not reached yet".to_owned()),
            Ca::Failed(problem) => Some(format!("the CA takes nothing: {problem}")),
        }
    }
}

/// Longer than the longest wait between two attempts, and than an attempt takes to fail.
const BELIEVED: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_until_all_stands() {
        let (board, now) = (Board::default(), Instant::now());
        let missing = |words: &str| {
            let said = board.not_ready(now);
            assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{said:?} has not {words:?}");
        };
        missing("pods are not listed yet");
        for kind in Kind::ALL {
            board.watch_told(kind, true);
        }
        missing("the CA is not reached yet");
        board.ca_failed("no route".to_owned());
        missing("no route");
        board.ca_listens(false);
        missing("not got everything");
        board.ca_listens(true);
        assert_eq!(board.not_ready(now), None);
    }

    #[test]
    fn a_failure_is_forgotten_when_the_watch_tells_again_or_has_not_failed_again_for_long() {
        let (board, now) = (Board::default(), Instant::now());
        for kind in Kind::ALL {
            board.watch_told(kind, true);
        }
        board.ca_listens(true);
        board.watch_failed(Kind::Services, "refused".to_owned(), now);
        assert!(board.not_ready(now).is_some_and(|said| said.contains("the watch of services fails: refused")));
        assert_eq!(board.not_ready(now + BELIEVED), None);
        board.watch_failed(Kind::Services, "refused".to_owned(), now);
        board.watch_told(Kind::Services, false);
        assert_eq!(board.not_ready(now), None);
    }
}
