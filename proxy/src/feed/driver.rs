//! The loop that joins the subscriber to the stream, the clocks, the disk and the index of live connections.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stop, chain};
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::feed::subscriber::{Lookup, Lost};
use bulkhead_protocol::feed::{Limits, Moment, Position, Subscriber};
use bulkhead_protocol::v1::watch_reply::Message as Reply;
use bulkhead_protocol::v1::{WatchReply, Welcome};
use tokio::sync::watch;
use tokio::time::sleep;
use tonic::Code;

use super::believe::feed_key;
use super::enforcing::Enforcing;
use super::line::{Heard, Line};
use super::persisting::{Persisting, Written};
use crate::clocks::SharedClocks;
use crate::directory::{Desk, Question};
use crate::identity_source::{Own, Svid};
use crate::registry::Registry;
use crate::truth::Truth;

/// Everything that the feed touches.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) subscriber: Subscriber,
    pub(super) line: Line,
    pub(super) truth: Arc<Truth>,
    pub(super) registry: Registry,
    pub(super) own: watch::Receiver<Option<Arc<Own>>>,
    /// Where it is told that the CA does not take a certificate any more.
    pub(super) unwelcome: watch::Sender<Option<Arc<Svid>>>,
    pub(super) clocks: SharedClocks,
    pub(super) desk: Desk,
    pub(super) enforcing: Enforcing,
    pub(super) persisting: Persisting,
    pub(super) limits: Limits,
    pub(super) pending: Pending,
}

/// What the driver remembers between two events.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Up to where nothing is open that the truth forbids.
    pub(super) enforced: Option<Position>,
    /// Connections cut and not yet told to the CA.
    pub(super) closed: u64,
    /// When the next rule of the policy ends, or the workload's mode.
    pub(super) next_end: Option<Timestamp>,
    /// Whether the CA has said that it does not want to hear this workload.
    pub(super) unwelcome: bool,
    /// When to look at everything that ends by time, on the clock that never jumps.
    tick_at: Duration,
    reviewed: Duration,
}

enum Event {
    Heard(Heard),
    Asked(Question),
    Enforced(Position),
    Written(Written),
    Own,
    Tick,
}

impl Driver {
    /// Follows the feed until told to stop.
    pub(super) async fn run(mut self, stop: &Stop) {
        self.publish();
        if let Some(position) = self.subscriber.held().position() {
            self.enforcing.begin(position);
        }
        loop {
            let nap = self.nap();
            let event = tokio::select! {
                () = stop.stopped() => break,
                heard = self.line.next() => Event::Heard(heard),
                question = self.desk.next() => Event::Asked(question),
                position = self.enforcing.next() => Event::Enforced(position),
                written = self.persisting.next() => Event::Written(written),
                Ok(()) = self.own.changed() => Event::Own,
                () = sleep(nap) => Event::Tick,
            };
            self.handle(event);
            self.carry_out();
        }
        self.persisting.finish(self.subscriber.held()).await;
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Heard(heard) => self.hear(heard),
            Event::Asked(question) => self.look_up(question),
            Event::Enforced(position) => self.pending.enforced = Some(position),
            Event::Written(written) => self.persisting.ended(written, self.clocks.boot()),
            Event::Own => self.sweep(),
            Event::Tick => self.tick(),
        }
    }

    fn hear(&mut self, heard: Heard) {
        let now = self.clocks.moment();
        match heard {
            Heard::Open => self.subscriber.connected(now),
            Heard::Reply(WatchReply { message: Some(Reply::Welcome(welcome)) }) => self.welcomed(welcome, now),
            Heard::Reply(reply) => self.subscriber.receive(reply, now),
            Heard::NotOpened(error, shown) => {
                tracing::warn!(error = chain(&error), "no stream to the CA");
                if error.is_refusal() {
                    self.unwelcome.send_replace(Some(shown));
                }
                self.subscriber.disconnected();
            }
            Heard::Ended(status) => {
                self.pending.unwelcome = status.as_ref().is_some_and(|status| status.code() == Code::PermissionDenied);
                if self.pending.unwelcome {
                    self.unwelcome.send_replace(self.line.svid().cloned());
                }
                if let Some(status) = status {
                    tracing::warn!(error = chain(&status), "the CA has ended the stream");
                }
                self.subscriber.disconnected();
            }
        }
        self.note_time();
    }

    fn welcomed(&mut self, welcome: Welcome, now: Moment) {
        let Some(svid) = self.line.svid() else { return };
        match feed_key(&welcome.feed_chain, &svid.bundle, &self.truth.load().for_the_ca(), now.wall) {
            Ok(key) => self.subscriber.welcome(welcome, key, now),
            Err(error) => self.subscriber.abandon(Lost::FeedChain(Box::new(error))),
        }
    }

    fn look_up(&mut self, question: Question) {
        let known = self.subscriber.lookup(question.address, question.how, self.clocks.moment()).cloned();
        self.desk.answer(question, known.as_ref());
    }

    fn tick(&mut self) {
        let now = self.clocks.moment();
        self.subscriber.tick(now);
        self.note_time();
        if now.boot < self.pending.tick_at {
            return;
        }
        self.pending.tick_at = now.boot.saturating_add(TICK);
        self.review(now);
        let standard = self.registry.standard();
        let ended = self.pending.next_end.is_some_and(|end| standard.now >= end);
        if ended || standard.is_stale() || standard.own_has_ended() {
            self.sweep();
        } else {
            self.count(self.registry.sweep_ended());
        }
    }

    /// Tells the clock the CA's time, carried on by the clock that never jumps, and everybody how old the truth is.
    pub(super) fn note_time(&self) {
        let now = self.clocks.moment();
        self.clocks.hear(self.subscriber.now(Moment { wall: Timestamp::EPOCH, ..now }));
        self.truth.was_complete(self.subscriber.staleness(now), now.boot);
    }

    /// Tells the subscriber which of the addresses at hand are in use, so that it keeps them.
    fn review(&mut self, now: Moment) {
        if now.boot.saturating_sub(self.pending.reviewed) >= REVIEW_EVERY {
            self.pending.reviewed = now.boot;
            for address in self.desk.review() {
                let known = self.subscriber.lookup(address, Lookup::Cached, now);
                if known.is_none() {
                    self.desk.forget(address);
                }
            }
        }
    }

    /// Counted from the last tick and not from the last event: heartbeats come more often than ticks.
    fn nap(&self) -> Duration {
        let wake = self.subscriber.wake_at().into_iter().chain([self.pending.tick_at]).min();
        wake.unwrap_or_default().saturating_sub(self.clocks.boot())
    }
}

/// Certificates end at whole seconds, and so does the patience with a silent CA.
const TICK: Duration = Duration::from_secs(1);
/// Often enough that no address in use is idle for the subscriber, which forgets after minutes.
const REVIEW_EVERY: Duration = Duration::from_secs(30);
