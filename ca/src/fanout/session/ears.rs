//! What wakes a session: the watcher itself, a fact, a change at an address, a commit, a heartbeat that is due.

use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_daemon::clock::since_boot;
use bulkhead_protocol::feed::Position;
use bulkhead_protocol::v1::{self, watch_request};
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;
use tonic::{Status, Streaming};

use super::Session;
use crate::ca::Ca;
use crate::store::Committed;

/// A session's ears.
#[derive(Debug)]
pub(super) struct Ears {
    head: watch::Receiver<Position>,
    moved: broadcast::Receiver<Arc<[IpAddr]>>,
    committed: watch::Receiver<Committed>,
}

/// What woke it.
pub(super) enum Event {
    Heard(watch_request::Message),
    /// Something changed at these addresses; at any address, where the session lost count.
    Moved(Option<Arc<[IpAddr]>>),
    Committed,
    /// A fact or a heartbeat may be due.
    Look,
    Over,
}

impl Ears {
    pub(super) fn open(ca: &Ca) -> Self {
        let fanout = &ca.fanout;
        Self { head: fanout.head.subscribe(), moved: fanout.moved.subscribe(), committed: ca.store.watch() }
    }

    /// The hash of the newest audit record.
    pub(super) fn audit_head(&self) -> [u8; 32] {
        self.committed.borrow().audit.hash
    }
}

impl Session {
    pub(super) async fn event(&mut self, requests: &mut Streaming<v1::WatchRequest>) -> Result<Event, Status> {
        let until_heartbeat = self.subscription.wake_at().saturating_sub(since_boot());
        let is_node = self.watcher.instance.is_none();
        let Ears { head, moved, committed } = &mut self.ears;
        tokio::select! {
            heard = requests.message() => Ok(heard?.and_then(|request| request.message).map_or(Event::Over, Event::Heard)),
            changed = head.changed() => Ok(if changed.is_ok() { Event::Look } else { Event::Over }),
            addresses = moved.recv() => Ok(match addresses {
                Ok(addresses) => Event::Moved(Some(addresses)),
                Err(broadcast::error::RecvError::Lagged(_)) => Event::Moved(None),
                Err(broadcast::error::RecvError::Closed) => Event::Over,
            }),
            changed = committed.changed(), if is_node => Ok(if changed.is_ok() { Event::Committed } else { Event::Over }),
            () = sleep(until_heartbeat) => Ok(Event::Look),
        }
    }
}
