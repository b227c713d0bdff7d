//! What operators do, and what happens to the CA, the network and the clocks.

use std::net::IpAddr;
use std::time::Duration;

use bulkhead_protocol::feed::subscriber::Lookup;
use bulkhead_protocol::v1::watch_reply;

use super::{Event, OPERATORS_END, WATCHERS, World};
use crate::authority;

impl World {
    /// Somebody commands something, or something moves; and the applications look addresses up.
    pub(super) fn operator(&mut self) {
        if self.authority.up && self.authority.frozen.is_none() {
            if self.dice.once_in(3) {
                let address = self.authority.move_somebody(&mut self.dice, &mut self.record);
                self.tell_who_is_interested(address);
            } else {
                let now = self.ca_now();
                let statement = authority::any_statement(&mut self.dice, now);
                self.authority.append(&statement, &mut self.record);
                self.authority.log.expire(self.ca_now());
            }
            self.pump_all();
        }
        for _ in 0..3 {
            let index = self.dice.index(WATCHERS);
            let how = if self.dice.once_in(4) { Lookup::Afresh } else { Lookup::Cached };
            let (address, now) = (authority::any_address(&mut self.dice), self.moment(index));
            self.watchers[index].subscriber.lookup(address, how, now);
            self.work(index);
        }
        if self.now < OPERATORS_END {
            self.soon(Event::Operator, 5000);
        }
    }

    pub(super) fn tell_who_is_interested(&mut self, address: IpAddr) {
        let told = self.authority.sessions.iter().filter(|(_, session)| session.interest.contains(&address));
        let links: Vec<usize> = told.map(|(link, _)| *link).collect();
        let answer = self.authority.answer(address, &mut self.record);
        for link in links {
            self.send_to_watcher(link, watch_reply::Message::Address(answer.clone()));
        }
    }

    pub(super) fn pump_all(&mut self) {
        let links: Vec<usize> = self.authority.sessions.keys().copied().collect();
        for link in links {
            self.pump(link);
        }
    }

    pub(super) fn accident(&mut self) {
        if !self.faulty() {
            return self.peace();
        }
        match self.dice.below(16) {
            0 => self.stop_authority(),
            1 => self.restore_authority(),
            2 => self.authority.back_up(),
            3..=5 => {
                let index = self.dice.index(WATCHERS);
                self.restart_watcher(index);
            }
            6 | 7 => {
                let index = self.dice.index(WATCHERS);
                self.watchers[index].skew = self.dice.below(7_200_000) as i64 - 3_600_000;
            }
            8 | 9 => {
                let index = self.dice.index(WATCHERS);
                self.dial(index, Duration::ZERO);
            }
            _ => {
                let links: Vec<usize> = self.links.keys().copied().collect();
                if !links.is_empty() {
                    let link = links[self.dice.index(links.len())];
                    self.cut(link);
                }
            }
        }
        self.soon(Event::Accident, 2000);
    }

    /// The faults end: the network is honest, the clocks stay, and a CA that still waits to be noticed is told to go on.
    pub(super) fn peace(&mut self) {
        for link in self.links.values_mut() {
            link.hostile = None;
            link.stalls = false;
        }
        if let Some(since) = self.authority.frozen {
            let silence = self.now.saturating_sub(since);
            assert!(silence < Duration::from_secs(25), "nobody has told the CA that it was restored");
            self.begin_history();
        }
    }

    /// Everybody has to come back once more, to a log that does not change any more.
    pub(super) fn break_all(&mut self) {
        let links: Vec<usize> = self.links.keys().copied().collect();
        for link in links {
            self.cut(link);
        }
    }

    pub(super) fn stop_authority(&mut self) {
        self.break_all();
        self.authority.restart(self.ca_now());
        self.authority.up = false;
        self.soon(Event::AuthorityStarts, 4000);
    }

    /// The CA is restored from an older state. It knows and begins another history, or it finds out from its watchers.
    pub(super) fn restore_authority(&mut self) {
        if self.authority.frozen.is_some() || !self.authority.restore(self.ca_now()) {
            return;
        }
        self.stop_authority();
        let head = Some(self.authority.log.head());
        let somebody_knows = self.watchers.iter().any(|watcher| watcher.subscriber.held().position() > head);
        if somebody_knows && self.dice.once_in(2) {
            self.authority.frozen = Some(self.now);
        } else {
            self.begin_history();
        }
    }

    pub(super) fn begin_history(&mut self) {
        self.authority.begin_history(&mut self.record);
        self.pump_all();
    }
}
