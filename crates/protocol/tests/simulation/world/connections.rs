//! Connections are made, lived in twice, broken and noticed late.

use std::time::Duration;

use super::{Event, World};
use crate::link::{Link, Towards};

impl World {
    pub(super) fn dial(&mut self, watcher: usize, within: Duration) {
        self.watchers[watcher].attempt += 1;
        let attempt = self.watchers[watcher].attempt;
        let after = self.dice.millis(within.as_millis() as u64);
        self.schedule(after, Event::Dial { watcher, attempt });
    }

    /// A connection is made; where the watcher has one already, that one lives on at the CA until it is noticed.
    pub(super) fn connect(&mut self, watcher: usize) {
        let link = self.next_link;
        self.next_link += 1;
        let now = self.moment(watcher);
        if !self.authority.up {
            self.watchers[watcher].link = None;
            self.watchers[watcher].subscriber.disconnected();
            return self.work(watcher);
        }
        let hostile = self.hostile && self.faulty() && self.dice.once_in(3);
        self.links.insert(link, Link::new(watcher, self.faulty(), hostile, &mut self.dice));
        self.watchers[watcher].link = Some(link);
        self.watchers[watcher].subscriber.connected(now);
        self.work(watcher);
    }

    /// Nothing arrives any more. Each end learns of it in its own time, or only by the silence.
    pub(super) fn cut(&mut self, link: usize) {
        let Some(cut) = self.links.get_mut(&link) else { return };
        cut.broken = true;
        if self.dice.once_in(2) {
            self.soon(Event::BrokenAtWatcher(link), 5000);
        }
        self.soon(Event::BrokenAtAuthority(link), 15_000);
    }

    /// The CA ends a connection: what it has sent before still arrives.
    pub(super) fn close(&mut self, link: usize) {
        self.authority.sessions.remove(&link);
        if let Some(closed) = self.links.get_mut(&link) {
            let at = closed.arrival(Towards::Watcher, self.now, &mut self.dice);
            self.schedule_at(at, Event::BrokenAtWatcher(link));
        }
    }

    pub(super) fn broken_at_watcher(&mut self, link: usize) {
        let Some(broken) = self.links.remove(&link) else { return };
        if self.watchers[broken.watcher].link == Some(link) {
            self.watchers[broken.watcher].link = None;
            self.watchers[broken.watcher].subscriber.disconnected();
            self.work(broken.watcher);
        }
    }
}
