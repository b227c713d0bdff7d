//! What the driver enforces, and what the CA has been told of it: never more.

use super::Subscriber;
use crate::feed::Position;
use crate::v1::{self, watch_request::Message};

/// What the driver has said that it enforces, and what the CA has not been told of that yet.
#[derive(Debug, Default)]
pub(super) struct Enforced {
    pub(super) position: Option<Position>,
    pub(super) connections_closed: u64,
}

/// The driver says that it enforces what is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{enforced} cannot be enforced: it is not held")]
pub struct NotHeld {
    /// What the driver says.
    pub enforced: Position,
}

impl Subscriber {
    /// The driver holds nothing that the facts up to `position` forbid (no connection, no pooled tunnel, no handshake
    /// that will end in one), and the disk has them. It has closed so many connections since it last said so.
    pub fn enforced(&mut self, position: Position, connections_closed: u64) -> Result<(), NotHeld> {
        let held = self.held.position();
        if held.is_none_or(|held| held.incarnation != position.incarnation || position > held) {
            return Err(NotHeld { enforced: position });
        }
        self.enforced.connections_closed = self.enforced.connections_closed.saturating_add(connections_closed);
        if self.enforced.position.is_none_or(|known| known < position) {
            self.enforced.position = Some(position);
            self.acknowledge();
        }
        Ok(())
    }

    /// Tells the CA what is enforced, if its history is the one in which that was said.
    pub(super) fn acknowledge(&mut self) {
        let current = self.stream.incarnation();
        let told = self.enforced.position.filter(|position| Some(position.incarnation) == current);
        if let Some(position) = told {
            let connections_closed = std::mem::take(&mut self.enforced.connections_closed);
            self.send(Message::Enforced(v1::Enforced { position: Some(position.into()), connections_closed }));
        }
    }
}
