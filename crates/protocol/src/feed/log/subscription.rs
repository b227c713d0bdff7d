//! One watcher's cursor into the log: what it is sent next, when it is sent a heartbeat, and what it has acknowledged.
//!
//! There is no queue: a watcher that reads slowly has an older cursor, and costs no memory.

use std::sync::Arc;
use std::time::Duration;

use super::{Log, Snapshot};
use crate::feed::{Moment, Position};
use crate::v1::{self, watch_reply::Message};

/// Where one watcher stands.
#[derive(Debug)]
pub struct Subscription {
    snapshot: Option<Arc<Snapshot>>,
    /// How many facts of the snapshot were sent.
    snapshot_facts_sent: usize,
    /// The last position that the watcher can hold: what it came with, then what was sent to it whole.
    sent: Position,
    acknowledged: Option<Position>,
    heartbeat: Duration,
    heartbeat_due: Duration,
}

/// What to do for a watcher when its stream has room for one more message.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Send this.
    Send(Message),
    /// Nothing new: it holds what the log holds. Ask again after an append.
    Idle,
    /// End the stream; the watcher comes back and gets a snapshot.
    End(Ended),
}

/// Why the CA ends a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Ended {
    #[error("the watcher reads too slowly: it was sent {sent}, and the facts after it are no longer kept")]
    Lagging { sent: Position },
    #[error("the CA has begun another history")]
    NewHistory,
}

/// A watcher says that it holds nothing that the facts up to here forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Up to where.
    pub position: Position,
    /// Connections that it closed since it last said so.
    pub connections_closed: u64,
}

/// Why an acknowledgement cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum AcknowledgeError {
    #[error("the acknowledgement names no position")]
    Missing,
    #[error("the watcher acknowledges {claimed}, but the history is {current}", current = .current.number())]
    OtherHistory { claimed: Position, current: crate::feed::Incarnation },
    #[error("the watcher acknowledges {claimed}, but was sent only {sent}")]
    Ahead { claimed: Position, sent: Position },
    #[error("the watcher acknowledges {claimed} after {acknowledged}")]
    Backwards { claimed: Position, acknowledged: Position },
}

impl Subscription {
    pub(super) fn resumed(held: Position, heartbeat: Duration) -> Self {
        Self::at(held, None, heartbeat)
    }

    pub(super) fn afresh(snapshot: Arc<Snapshot>, held: Position, heartbeat: Duration) -> Self {
        Self::at(held, Some(snapshot), heartbeat)
    }

    fn at(sent: Position, snapshot: Option<Arc<Snapshot>>, heartbeat: Duration) -> Self {
        let heartbeat_due = Duration::ZERO;
        Self { snapshot, snapshot_facts_sent: 0, sent, acknowledged: None, heartbeat, heartbeat_due }
    }

    /// What to send next. Call it when the stream can take a message, not before: that is the back-pressure.
    pub fn next(&mut self, log: &Log) -> Next {
        if self.sent.incarnation != log.head.incarnation {
            return Next::End(Ended::NewHistory);
        }
        match self.snapshot.take() {
            Some(snapshot) => Next::Send(self.next_of_snapshot(snapshot)),
            None => self.next_delta(log),
        }
    }

    /// The heartbeat, when it is due. While facts wait to be sent there is none: a heartbeat says that everything up to
    /// its head was sent before it, so that a relay that leaves out a fact is found out by the next one.
    pub fn heartbeat(&mut self, log: &Log, now: Moment, audit_head: &[u8; 32]) -> Option<v1::Heartbeat> {
        if now.boot < self.heartbeat_due || self.snapshot.is_some() || self.sent != log.head {
            return None;
        }
        self.heartbeat_due = now.boot + self.heartbeat;
        let head = Some(log.head.into());
        Some(v1::Heartbeat { now_millis: now.wall.as_millis(), head, audit_head: audit_head.to_vec() })
    }

    /// When to ask for a heartbeat again, on the clock that never jumps.
    pub fn wake_at(&self) -> Duration {
        self.heartbeat_due
    }

    /// Notes an acknowledgement, which can't be ahead of what was sent. A stream that sends another one is ended.
    pub fn acknowledge(&mut self, enforced: v1::Enforced) -> Result<Acknowledged, AcknowledgeError> {
        let position = enforced.position.map(Position::from).ok_or(AcknowledgeError::Missing)?;
        self.check(position)?;
        self.acknowledged = Some(position);
        Ok(Acknowledged { position, connections_closed: enforced.connections_closed })
    }

    /// Up to where the watcher claims to enforce the facts.
    pub fn acknowledged(&self) -> Option<Position> {
        self.acknowledged
    }

    /// The last position that the watcher can hold.
    pub fn sent(&self) -> Position {
        self.sent
    }

    fn next_of_snapshot(&mut self, snapshot: Arc<Snapshot>) -> Message {
        if let Some(fact) = snapshot.facts.get(self.snapshot_facts_sent) {
            let fact = fact.to_wire();
            self.snapshot_facts_sent += 1;
            self.snapshot = Some(snapshot);
            return Message::Fact(fact);
        }
        self.sent = snapshot.position;
        Message::SnapshotEnd(snapshot.end.clone())
    }

    fn next_delta(&mut self, log: &Log) -> Next {
        if self.sent == log.head {
            return Next::Idle;
        }
        let next = self.sent.next().and_then(|next| log.delta(next.n));
        let Some(fact) = next else { return Next::End(Ended::Lagging { sent: self.sent }) };
        self.sent = fact.position();
        Next::Send(Message::Fact(fact.to_wire()))
    }

    fn check(&self, claimed: Position) -> Result<(), AcknowledgeError> {
        let (sent, current) = (self.sent, self.sent.incarnation);
        if claimed.incarnation != current {
            return Err(AcknowledgeError::OtherHistory { claimed, current });
        }
        if claimed > sent {
            return Err(AcknowledgeError::Ahead { claimed, sent });
        }
        match self.acknowledged.filter(|acknowledged| claimed < *acknowledged) {
            Some(acknowledged) => Err(AcknowledgeError::Backwards { claimed, acknowledged }),
            None => Ok(()),
        }
    }
}
