//! How far the conversation with the CA has come.

use std::time::Duration;

use super::gathering::Gathering;
use super::{Lost, Violation};
use crate::feed::{FeedVerifier, Incarnation, Limits};

/// How far the conversation with the CA has come.
#[derive(Debug)]
pub(super) enum Stream {
    /// There is none.
    Down,
    /// The watcher has introduced itself.
    Greeting { since: Duration },
    /// The CA has welcomed it.
    Open(Box<Open>),
}

/// A stream after its welcome.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) verifier: FeedVerifier,
    pub(super) incarnation: Incarnation,
    pub(super) interval: Duration,
    pub(super) last_message: Duration,
    /// The snapshot that is on its way.
    pub(super) gathering: Option<Gathering>,
}

impl Stream {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The history that is told on this stream.
    pub(super) fn incarnation(&self) -> Option<Incarnation> {
        match self {
            Self::Open(open) => Some(open.incarnation),
            Self::Down | Self::Greeting { .. } => None,
        }
    }

    /// When the CA has been silent for too long.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Duration> {
        match self {
            Self::Down => None,
            Self::Greeting { since } => Some(since.saturating_add(limits.welcome_within)),
            Self::Open(open) => {
                Some(open.last_message.saturating_add(open.interval.saturating_mul(limits.missed_heartbeats.max(1))))
            }
        }
    }

    pub(super) fn check(&self, now: Duration, limits: &Limits) -> Result<(), Lost> {
        if self.deadline(limits).is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        Err(match self {
            Self::Open(open) => Lost::HeartbeatMissed { silence: now.saturating_sub(open.last_message) },
            Self::Down | Self::Greeting { .. } => Lost::NoWelcome { waited: limits.welcome_within },
        })
    }

    /// The stream, if it was welcomed.
    pub(super) fn open(&mut self) -> Result<&mut Open, Violation> {
        match self {
            Self::Open(open) => Ok(open),
            Self::Down | Self::Greeting { .. } => Err(Violation::BeforeWelcome),
        }
    }
}
