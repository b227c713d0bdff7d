//! A watcher's side: it verifies what the CA says, holds it, has it enforced and acknowledges that.
//!
//! The driver owns the stream, the clocks, the dice and the disk. It calls an input for whatever happens, then takes
//! [`Subscriber::poll`] until it is empty, and calls [`Subscriber::tick`] no later than [`Subscriber::wake_at`].
//!
//! What is held only moves forward, one whole and verified step at a time; whatever does not fit ends the stream, and
//! the next one begins where the last good step was.

mod action;
mod addresses;
mod enforced;
mod gathering;
mod held;
mod lost;
mod receive;
mod staleness;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use bulkhead_mesh::{Resolution, Timestamp};

pub use action::{Action, Backoff, Change};
pub use addresses::Lookup;
pub use enforced::NotHeld;
pub use held::{Held, RestoreError, Stored};
pub use lost::{Lost, Violation};

use self::addresses::Addresses;
use self::enforced::Enforced;
use self::staleness::{Floor, Staleness};
use self::stream::Stream;
use super::{FACTS_1, FeedVerifier, Limits, Moment};
use crate::v1::{self, watch_request::Message};

/// One watcher of the feed.
#[derive(Debug)]
pub struct Subscriber {
    limits: Limits,
    version: String,
    held: Held,
    stream: Stream,
    enforced: Enforced,
    addresses: Addresses,
    staleness: Staleness,
    floor: Floor,
    /// The CA's time as it was last written to the disk.
    persisted: Timestamp,
    failures: u32,
    actions: VecDeque<Action>,
}

impl Subscriber {
    /// A watcher that holds what was stored, or nothing ([`Held::default`]); `version` is told to the CA.
    pub fn new(held: Held, version: String, limits: Limits, now: Moment) -> Self {
        Self {
            version,
            stream: Stream::Down,
            enforced: Enforced::default(),
            addresses: Addresses::default(),
            staleness: Staleness::of_stored(held.not_before(), now),
            floor: Floor::new(held.not_before(), now),
            persisted: held.not_before(),
            failures: 0,
            actions: VecDeque::new(),
            limits,
            held,
        }
    }

    /// What is true as far as is known.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// A stream to the CA is open. Whatever came of an earlier one has been dropped.
    pub fn connected(&mut self, now: Moment) {
        self.stream = Stream::Greeting { since: now.boot };
        let holds = self.held.position().map(Into::into);
        let capabilities = vec![FACTS_1.to_owned()];
        self.send(Message::Hello(v1::Hello { capabilities, holds, version: self.version.clone() }));
    }

    /// The CA has welcomed this watcher, and the certificate in the welcome was verified for `/control/feed`.
    pub fn welcome(&mut self, welcome: v1::Welcome, verifier: FeedVerifier, now: Moment) {
        let outcome = self.take_welcome(welcome, verifier, now);
        self.settle(outcome);
    }

    /// Anything else was received.
    pub fn receive(&mut self, message: v1::WatchReply, now: Moment) {
        if !matches!(self.stream, Stream::Down) {
            let outcome = self.take(message, now);
            self.settle(outcome);
        }
    }

    /// The stream has ended by itself, or could not be opened. Not called for one dropped after [`Action::Reconnect`].
    pub fn disconnected(&mut self) {
        self.settle(Err(Lost::Disconnected));
    }

    /// The stream is not to be believed, for a reason that the driver has found ([`Lost::FeedChain`], for example).
    pub fn abandon(&mut self, reason: Lost) {
        self.settle(Err(reason));
    }

    /// What stands at an address, if that is known well enough. Otherwise [`Action::Resolved`] will say it.
    pub fn lookup(&mut self, address: IpAddr, how: Lookup, now: Moment) -> Option<&Resolution> {
        let (stream, actions) = (self.stream.is_open(), &mut self.actions);
        self.addresses.lookup(address.to_canonical(), how, now.boot, stream, &self.limits, actions)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Moment) {
        let outcome = self.stream.check(now.boot, &self.limits);
        self.settle(outcome);
        self.addresses.retire(now.boot, self.stream.is_open(), &self.limits, &mut self.actions);
    }

    /// When to call [`Subscriber::tick`], on the clock that never jumps.
    pub fn wake_at(&self) -> Option<Duration> {
        self.stream.deadline(&self.limits).into_iter().chain(self.addresses.idle_at(&self.limits)).min()
    }

    /// For how long it has not been known that nothing is missing; half a heartbeat on average while all is well.
    pub fn staleness(&self, now: Moment) -> Duration {
        self.staleness.age(now)
    }

    /// When, on the clock that never jumps, the staleness will be `age` if nothing is heard until then.
    pub fn stale_at(&self, age: Duration) -> Duration {
        self.staleness.reaches(age)
    }

    /// The time to compare certificates with: never before the last one that the CA has said.
    pub fn now(&self, now: Moment) -> Timestamp {
        self.floor.believe(now)
    }

    /// How many addresses are in use.
    pub fn addresses_in_use(&self) -> usize {
        self.addresses.len()
    }

    /// How many answers about addresses were not asked for or went back to an earlier version.
    pub fn addresses_ignored(&self) -> u64 {
        self.addresses.ignored()
    }

    fn send(&mut self, message: Message) {
        self.actions.push_back(message.into());
    }

    /// Ends the stream where something did not fit.
    fn settle(&mut self, outcome: Result<(), Lost>) {
        let Err(reason) = outcome else { return };
        self.stream = Stream::Down;
        let backoff = Backoff::after(self.failures, self.limits.first_pause, self.limits.longest_pause);
        self.failures = self.failures.saturating_add(1);
        // What was to be sent on the stream that has ended must not open the next one.
        self.actions.retain(|action| !matches!(action, Action::Send(_)));
        self.actions.push_back(Action::Reconnect { reason, backoff });
    }
}
