//! What the subscriber asks for is done here, in the order that the promise needs.

use std::net::IpAddr;
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_protocol::feed::Position;
use bulkhead_protocol::feed::subscriber::{Action, Backoff, Change, Lost};
use bulkhead_protocol::v1::WatchRequest;
use bulkhead_protocol::v1::watch_request::Message as Request;

use super::driver::Driver;
use crate::dice;
use crate::truth::Knowledge;

impl Driver {
    /// Does everything that the subscriber asks for.
    pub(super) fn carry_out(&mut self) {
        self.acknowledge();
        while let Some(action) = self.subscriber.poll() {
            match action {
                Action::Send(request) => self.send(request),
                Action::Apply { change: Change::Expired, .. } => {
                    self.truth.store(Knowledge::of(self.subscriber.held()));
                }
                Action::Apply { position, .. } => self.enforce(position),
                Action::Persist => self.persisting.want(),
                Action::Resolved(address, resolution) => self.desk.resolved(address, &resolution),
                Action::Registrations(_) => tracing::debug!("the CA has sent a proxy what is for agents"),
                Action::Reconnect { reason, backoff } => self.reconnect(&reason, backoff),
            }
        }
        self.persisting.start(self.subscriber.held(), self.clocks.boot());
    }

    fn send(&mut self, request: WatchRequest) {
        if let Some(Request::Forget(forget)) = &request.message {
            self.forget(&forget.address);
        }
        if !self.line.send(request) {
            self.subscriber.disconnected();
        }
    }

    /// The CA will not say any more when something changes there, so it is not at hand any more either.
    fn forget(&self, address: &[u8]) {
        if let Some(address) = address_of(address) {
            self.desk.forget(address);
        }
    }

    fn reconnect(&mut self, reason: &Lost, backoff: Backoff) {
        let pause = backoff.delay(dice::jitter());
        // Whoever is cut off must not ask again and again; the CA may still change its mind.
        let floor = if self.pending.unwelcome { self.limits.longest_pause / 2 } else { Duration::ZERO };
        self.pending.unwelcome = false;
        tracing::warn!(error = chain(reason), "the feed is interrupted");
        self.line.pause(pause + floor);
    }

    /// The order matters: publish, then sweep, then wait, then acknowledge. See [`crate::live`].
    fn enforce(&mut self, position: Position) {
        self.publish();
        self.sweep();
        self.enforcing.begin(position);
    }

    pub(super) fn publish(&mut self) {
        self.note_time();
        self.truth.store(Knowledge::of(self.subscriber.held()));
    }

    pub(super) fn sweep(&mut self) {
        let standard = self.registry.standard();
        self.pending.next_end = standard.next_end();
        self.count(self.registry.sweep(&standard));
    }

    pub(super) fn count(&mut self, closed: usize) {
        self.pending.closed = self.pending.closed.saturating_add(closed as u64);
    }

    /// Acknowledges what is both enforced and on the disk.
    fn acknowledge(&mut self) {
        let (Some(enforced), Some(stored)) = (self.pending.enforced, self.persisting.position()) else { return };
        // What belongs to a history that has been left behind since is not held any more, and the count waits.
        if self.subscriber.enforced(enforced.min(stored), self.pending.closed).is_ok() {
            self.pending.closed = 0;
        }
    }
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
