//! The processes of the watchers: they work, enforce when they come to it, and are killed.

use std::time::Duration;

use bulkhead_protocol::feed::Position;

use super::{Event, WATCHERS, World, signer};
use crate::watcher::Wish;

impl World {
    /// Lets a watcher do what it has to, and does for it what it cannot.
    pub(super) fn work(&mut self, index: usize) {
        let (ca_now, now) = (self.ca_now(), self.moment(index));
        for wish in self.watchers[index].work(&self.record, ca_now, now) {
            match wish {
                Wish::Send(request) => {
                    if let Some(link) = self.watchers[index].link {
                        self.send_to_authority(link, request);
                    }
                }
                Wish::Enforce(position) => {
                    let after = if self.dice.once_in(8) { self.dice.millis(4000) } else { self.dice.millis(30) };
                    let life = self.watchers[index].life;
                    self.schedule(after, Event::Enforced { watcher: index, life, position });
                }
                Wish::Reconnect { longest, reason } => {
                    self.trace(&format!("watcher {index} is lost: {reason}"));
                    self.dial(index, longest);
                }
            }
        }
    }

    pub(super) fn enforced(&mut self, index: usize, life: u64, position: Position) {
        let watcher = &mut self.watchers[index];
        if watcher.life == life {
            watcher.enforcing = watcher.enforcing.max(Some(position));
            watcher.enforcing_ever = watcher.enforcing_ever.max(Some(position));
            // A position of a history that was left meanwhile says nothing any more.
            let _ = watcher.subscriber.enforced(position, 1);
            self.work(index);
        }
    }

    pub(super) fn tick(&mut self) {
        for index in 0..WATCHERS {
            if self.watchers[index].subscriber.wake_at().is_some_and(|wake| wake <= self.now) {
                let now = self.moment(index);
                self.watchers[index].subscriber.tick(now);
                self.work(index);
            }
        }
    }

    pub(super) fn restart_watcher(&mut self, index: usize) {
        let now = self.moment(index);
        if let Some(link) = self.watchers[index].link {
            self.cut(link);
        }
        let verifier = signer().verifier().expect("a good key");
        if let Some(position) = self.watchers[index].restart(&verifier, now) {
            let life = self.watchers[index].life;
            self.soon(Event::Enforced { watcher: index, life, position }, 500);
        }
        self.dial(index, Duration::from_secs(2));
    }
}
