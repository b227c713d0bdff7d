//! Advice beside an error: what a person can do about it.

use bulkhead_ca::init::InitError;
use bulkhead_ca::serve::ServeError;

/// An error that may say what to do.
pub(crate) trait Hinted: std::error::Error + Send + Sync + 'static {
    /// The advice.
    fn advice(&self) -> Option<String>;
}

impl Hinted for InitError {
    fn advice(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

impl Hinted for ServeError {
    fn advice(&self) -> Option<String> {
        self.hint()
    }
}

impl Hinted for bulkhead_cluster::ConnectError {
    fn advice(&self) -> Option<String> {
        Some(self.hint().to_owned())
    }
}

impl Hinted for bulkhead_ca::seal::UnsealerError {
    fn advice(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

/// Prints the advice beside the error that goes up.
#[allow(clippy::print_stderr, reason = "advice belongs to the person, not to the chain of causes")]
pub(crate) fn with_hint<E: Hinted>(error: E) -> anyhow::Error {
    if let Some(advice) = error.advice() {
        eprintln!("hint: {advice}");
    }
    anyhow::Error::new(error)
}
