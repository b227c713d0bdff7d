//! Messages on their way between a watcher and the CA, and what the CA does with them.

use std::net::IpAddr;
use std::time::Duration;

use bulkhead_protocol::feed::Moment;
use bulkhead_protocol::feed::log::Next;
use bulkhead_protocol::feed::subscriber::Lost;
use bulkhead_protocol::v1::{self, watch_reply, watch_request};

use prost::Message as _;

use super::{Event, World, signer};
use crate::authority::FEED_CHAIN;
use crate::link::Towards;

impl World {
    pub(super) fn at_watcher(&mut self, link: usize) {
        let Some(arriving) = self.links.get_mut(&link).filter(|link| !link.broken) else { return };
        let (watcher, Some(reply)) = (arriving.watcher, arriving.to_watcher.pop_front()) else { return };
        if self.watchers[watcher].link == Some(link) {
            self.deliver(link, watcher, reply);
        }
        self.pump(link);
    }

    pub(super) fn deliver(&mut self, link: usize, watcher: usize, reply: v1::WatchReply) {
        self.receive(watcher, reply.clone());
        self.work(watcher);
        if let Some(watch_reply::Message::Heartbeat(heartbeat)) = reply.message
            && self.watchers[watcher].link == Some(link)
        {
            self.watchers[watcher].heard(&heartbeat);
        }
    }

    pub(super) fn receive(&mut self, index: usize, reply: v1::WatchReply) {
        let now = self.moment(index);
        let watcher = &mut self.watchers[index];
        match reply.message {
            Some(watch_reply::Message::Welcome(welcome)) if welcome.feed_chain == [FEED_CHAIN] => {
                watcher.subscriber.welcome(welcome, signer().verifier().expect("a good key"), now);
            }
            Some(watch_reply::Message::Welcome(_)) => {
                watcher.subscriber.abandon(Lost::FeedChain("not the CA's chain".into()));
            }
            message => {
                watcher.delivering = message.as_ref().and_then(address_version);
                watcher.subscriber.receive(v1::WatchReply { message }, now);
            }
        }
    }

    pub(super) fn at_authority(&mut self, link: usize) {
        let Some(arriving) = self.links.get_mut(&link).filter(|link| !link.broken) else { return };
        let Some(request) = arriving.to_authority.pop_front().and_then(|request| request.message) else { return };
        let watcher = arriving.watcher;
        let known = self.authority.sessions.contains_key(&link);
        match request {
            watch_request::Message::Hello(hello) => self.hello(link, &hello),
            _ if !known => {}
            watch_request::Message::Lookup(lookup) => self.lookup(link, &lookup),
            watch_request::Message::Forget(forget) => {
                let address = read_address(&forget.address);
                self.session(link).interest.remove(&address);
            }
            watch_request::Message::Enforced(enforced) => self.acknowledge(link, watcher, enforced),
        }
    }

    pub(super) fn hello(&mut self, link: usize, hello: &v1::Hello) {
        if !self.authority.up {
            return;
        }
        let (welcome, regression) = self.authority.hello(link, hello);
        self.send_to_watcher(link, watch_reply::Message::Welcome(welcome));
        self.pump(link);
        self.soon(Event::Pump(link), 500);
        if regression.is_some() {
            assert!(self.authority.frozen.is_some(), "{regression:?} was reported though nothing was lost");
            self.begin_history();
        }
    }

    pub(super) fn lookup(&mut self, link: usize, lookup: &v1::Lookup) {
        let address = read_address(&lookup.address);
        self.session(link).interest.insert(address);
        let answer = self.authority.answer(address, &mut self.record);
        self.send_to_watcher(link, watch_reply::Message::Address(answer));
    }

    /// The CA's books: what it is told must be true of that watcher, and possible for what it was sent.
    pub(super) fn acknowledge(&mut self, link: usize, watcher: usize, enforced: v1::Enforced) {
        let hostile = self.links[&link].hostile.is_some();
        let subscription = self.session(link).subscription.as_mut().expect("a hello came first");
        match subscription.acknowledge(enforced) {
            Ok(acknowledged) => {
                let enforcing = self.watchers[watcher].enforcing_ever;
                assert!(Some(acknowledged.position) <= enforcing, "watcher {watcher} claims what was never enforced");
            }
            Err(error) if hostile => self.trace(&format!("refused: {error}")),
            Err(error) => panic!("watcher {watcher}: {error}"),
        }
    }

    /// Sends what the watcher has not been sent, while the stream takes it.
    pub(super) fn pump(&mut self, link: usize) {
        while self.links.get(&link).is_some_and(|link| link.to_watcher.len() < IN_FLIGHT) {
            let Some(session) = self.authority.sessions.get_mut(&link) else { return };
            let Some(subscription) = &mut session.subscription else { return };
            match subscription.next(&self.authority.log) {
                Next::Send(message) => self.send_to_watcher(link, message),
                Next::End(_) => return self.close(link),
                Next::Idle => return self.beat(link),
            }
        }
    }

    pub(super) fn beat(&mut self, link: usize) {
        let now = Moment { wall: self.ca_now(), boot: self.now };
        let log = &self.authority.log;
        let session = self.authority.sessions.get_mut(&link).and_then(|session| session.subscription.as_mut());
        if let Some(heartbeat) = session.and_then(|session| session.heartbeat(log, now, &[0; 32])) {
            self.send_to_watcher(link, watch_reply::Message::Heartbeat(heartbeat));
            self.schedule(Duration::from_millis(500), Event::Pump(link));
        }
    }

    pub(super) fn send_to_watcher(&mut self, link: usize, message: watch_reply::Message) {
        let reply = reply_of(message);
        let Some(sending) = self.links.get_mut(&link) else { return };
        let arriving = match sending.hostile.as_mut() {
            Some(hostile) => hostile.tamper(reply.clone(), &self.recorded, &mut self.dice),
            None => vec![reply.clone()],
        };
        for reply in arriving {
            let at = sending.arrival(Towards::Watcher, self.now, &mut self.dice);
            sending.to_watcher.push_back(reply);
            self.events += 1;
            self.queue.insert((at, self.events), Event::AtWatcher(link));
        }
        let signed =
            !matches!(reply.message, Some(watch_reply::Message::Heartbeat(_) | watch_reply::Message::Welcome(_)));
        if self.hostile && signed && self.recorded.len() < 500 {
            self.recorded.push(reply);
        }
    }

    pub(super) fn send_to_authority(&mut self, link: usize, request: v1::WatchRequest) {
        let Some(sending) = self.links.get_mut(&link) else { return };
        let at = sending.arrival(Towards::Authority, self.now, &mut self.dice);
        sending.to_authority.push_back(request);
        self.schedule_at(at, Event::AtAuthority(link));
    }
}

/// Incarnation and version of an address, whoever has signed it.
fn address_version(message: &watch_reply::Message) -> Option<(u64, u64)> {
    let watch_reply::Message::Address(address) = message else { return None };
    let body = v1::AddressBody::decode(&address.body[..]).ok()?;
    Some((body.incarnation, body.version))
}

fn reply_of(message: watch_reply::Message) -> v1::WatchReply {
    v1::WatchReply { message: Some(message) }
}

fn read_address(bytes: &[u8]) -> IpAddr {
    bulkhead_protocol::convert::read_address("address", bytes).expect("watchers ask for addresses")
}

/// Messages on their way to one watcher: more wait in the log.
const IN_FLIGHT: usize = 6;
