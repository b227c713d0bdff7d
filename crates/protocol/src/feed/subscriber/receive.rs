//! What each message of a stream does, in the order in which it is checked: signature, place, meaning.

use std::cmp::Ordering;
use std::time::Duration;

use bulkhead_mesh::Timestamp;

use super::gathering::Gathering;
use super::staleness::{Floor, Staleness};
use super::stream::{Open, Stream};
use super::{Action, Change, Lost, Subscriber, Violation};
use crate::feed::{AddressAnswer, FACTS_1, FeedVerifier, MissingPosition, Moment, Position, Statement};
use crate::v1::{self, watch_reply::Message};

impl Subscriber {
    pub(super) fn take_welcome(
        &mut self,
        welcome: v1::Welcome,
        verifier: FeedVerifier,
        now: Moment,
    ) -> Result<(), Lost> {
        match self.stream {
            Stream::Down => return Ok(()),
            Stream::Greeting { .. } => {}
            Stream::Open(_) => return Err(Violation::WelcomedTwice.into()),
        }
        let v1::Welcome { capabilities, feed_chain, heartbeat_millis, head, snapshot } = welcome;
        if !capabilities.iter().any(|capability| capability == FACTS_1) {
            return Err(Lost::Incapable { capabilities });
        }
        let interval = Duration::from_millis(heartbeat_millis.into());
        if !self.limits.heartbeat.contains(&interval) {
            return Err(Violation::HeartbeatInterval { interval }.into());
        }
        let head = MissingPosition::check("welcome.head", head).map_err(Violation::from)?;
        self.check_beginning(head, snapshot)?;
        self.held.trust(feed_chain, &self.limits);
        let gathering = snapshot.then(|| Gathering::new(head));
        let (incarnation, last_message) = (head.incarnation, now.boot);
        self.stream = Stream::Open(Box::new(Open { verifier, incarnation, interval, last_message, gathering }));
        self.acknowledge();
        self.actions.extend(self.addresses.questions());
        Ok(())
    }

    /// What follows must lead on from what is held. A CA that has gone back is not followed, for it may have forgotten
    /// why something was forbidden; only another, later history is.
    fn check_beginning(&self, offered: Position, snapshot: bool) -> Result<(), Lost> {
        match self.held.position() {
            Some(held) if offered < held => Err(Lost::Rollback { held, offered }),
            Some(held) if !snapshot && offered.incarnation == held.incarnation => Ok(()),
            _ if snapshot => Ok(()),
            _ => Err(Violation::DeltasFromNowhere { head: offered }.into()),
        }
    }

    pub(super) fn take(&mut self, reply: v1::WatchReply, now: Moment) -> Result<(), Lost> {
        let open = self.stream.open()?;
        open.last_message = now.boot;
        match reply.message.ok_or(Violation::UnknownMessage)? {
            Message::Welcome(_) => Err(Violation::WelcomedTwice.into()),
            Message::Fact(fact) => self.take_fact(fact),
            Message::SnapshotEnd(end) => self.take_snapshot(&end, now),
            Message::Address(address) => self.take_address(address),
            Message::Heartbeat(heartbeat) => self.take_heartbeat(&heartbeat, now),
            Message::Registrations(registrations) => {
                self.actions.push_back(Action::Registrations(registrations));
                Ok(())
            }
        }
    }

    fn take_fact(&mut self, fact: v1::Fact) -> Result<(), Lost> {
        let open = self.stream.open()?;
        let fact = open.verifier.fact(fact)?;
        if let Some(gathering) = &mut open.gathering {
            return gathering.take(fact, &self.limits);
        }
        let position = fact.position();
        let held = self.held.position().ok_or(Violation::DeltasFromNowhere { head: position })?;
        if !held.precedes(position) {
            return Err(if position > held {
                Lost::Gap { held, found: position }
            } else {
                Lost::Replayed { held, found: position }
            });
        }
        let statement =
            Statement::decode(&fact, &self.limits).map_err(|source| Lost::Unfamiliar { position, source })?;
        let change = self.held.apply(fact, statement, &self.limits)?;
        self.applied(position, change);
        Ok(())
    }

    /// A snapshot stands at the head that the CA has just named. What came to be true while it was sent follows at once,
    /// or else a heartbeat, so nothing is missing now; strict levels need not wait for that heartbeat.
    fn take_snapshot(&mut self, end: &v1::SnapshotEnd, now: Moment) -> Result<(), Lost> {
        let open = self.stream.open()?;
        let gathering = open.gathering.take().ok_or(Violation::EndOfNothing)?;
        let gathered = gathering.end(end, &open.verifier)?;
        let position = gathered.position;
        self.held = self.held.after(gathered, &self.limits)?;
        self.staleness = Staleness::at(now);
        self.applied(position, Change::Whole);
        Ok(())
    }

    fn take_address(&mut self, address: v1::SignedAddress) -> Result<(), Lost> {
        let open = self.stream.open()?;
        let body = open.verifier.address(address)?;
        let answer = AddressAnswer::decode(&body, &self.limits).map_err(Lost::Address)?;
        self.actions.extend(self.addresses.answer(answer, open.incarnation)?);
        Ok(())
    }

    /// A heartbeat comes after every fact up to its head, so its head is what is held, or something was left out.
    fn take_heartbeat(&mut self, heartbeat: &v1::Heartbeat, now: Moment) -> Result<(), Lost> {
        let found = MissingPosition::check("heartbeat.head", heartbeat.head).map_err(Violation::from)?;
        if self.stream.open()?.gathering.is_some() {
            return Err(Violation::HeartbeatInSnapshot.into());
        }
        let held = self.held.position().ok_or(Violation::DeltasFromNowhere { head: found })?;
        match found.cmp(&held) {
            Ordering::Greater => return Err(Lost::Gap { held, found }),
            Ordering::Less => return Err(Lost::Rollback { held, offered: found }),
            Ordering::Equal => self.fresh(now),
        }
        self.hear(Timestamp::from_millis(heartbeat.now_millis), now);
        Ok(())
    }

    /// Nothing is missing at this moment.
    fn fresh(&mut self, now: Moment) {
        self.staleness = Staleness::at(now);
        self.failures = 0;
    }

    fn hear(&mut self, ca_time: Timestamp, now: Moment) {
        let ended = self.held.hear(ca_time);
        self.floor = Floor::new(self.held.not_before(), now);
        if let Some(position) = self.held.position().filter(|_| ended) {
            self.applied(position, Change::Expired);
        }
        if self.held.not_before().since(self.persisted) >= self.limits.persist_time_every {
            self.persist();
        }
    }

    fn applied(&mut self, position: Position, change: Change) {
        self.actions.push_back(Action::Apply { position, change });
        self.persist();
    }

    fn persist(&mut self) {
        self.persisted = self.held.not_before();
        self.actions.push_back(Action::Persist);
    }
}
