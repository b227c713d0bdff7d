//! How a probe ended, as one word, counted once whichever way it ended.

use bulkhead_mesh::probe::ProbeKind;

use super::failure::Failure;
use crate::metrics::Metrics;

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The application answered as it should.
    Passed,
    /// It answered otherwise.
    Failed,
    /// It took no connection, or has no address.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// It was not asked: as many probes as may be were under way.
    TooMany,
    /// Whoever asked went away, or the proxy was stopped.
    Abandoned,
}

impl Outcome {
    /// As one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::TooMany => "too-many",
            Self::Abandoned => "abandoned",
        }
    }
}

impl From<&Result<(), Failure>> for Outcome {
    fn from(result: &Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(Failure::Answer { .. }) => Self::Failed,
            Err(Failure::Unreachable { .. } | Failure::NoAddress) => Self::Unreachable,
            Err(Failure::TooSlow { .. }) => Self::TimedOut,
            Err(Failure::TooMany { .. }) => Self::TooMany,
        }
    }
}

/// Counts one probe when it is dropped.
pub(super) struct Count<'a> {
    metrics: &'a Metrics,
    kind: ProbeKind,
    outcome: Outcome,
}

impl<'a> Count<'a> {
    /// A probe that is abandoned, unless more is heard of it.
    pub(super) fn begin(metrics: &'a Metrics, kind: ProbeKind) -> Self {
        Self { metrics, kind, outcome: Outcome::Abandoned }
    }

    /// The probe has ended like this.
    pub(super) fn end(mut self, result: &Result<(), Failure>) {
        self.outcome = result.into();
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.metrics.probe(self.kind, self.outcome);
    }
}
