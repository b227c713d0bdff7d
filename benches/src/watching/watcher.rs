//! One watcher: the loop that joins its subscriber to its stream.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_daemon::chain;
use bulkhead_daemon::clock::since_boot;
use bulkhead_daemon::version::VERSION;
use bulkhead_identity::tls::{CurrentTruth as _, OwnIdentity};
use bulkhead_identity::{Clock as _, SystemClock, TrustBundle};
use bulkhead_protocol::feed::subscriber::{Action, Backoff, Held, Lost};
use bulkhead_protocol::feed::{Limits, Moment, Position, Subscriber};
use bulkhead_protocol::jitter::Jitter;
use bulkhead_protocol::v1::watch_reply::Message;
use bulkhead_protocol::v1::{WatchReply, WatchRequest, Welcome};
use tokio::time::sleep;

use super::Shared;
use super::believe::{Known, feed_key};
use super::line::{Credentials, Line};
use crate::workload_api::Svid;

/// One watcher of the feed.
pub(super) struct Watcher {
    shared: Shared,
    credentials: Credentials,
    subscriber: Subscriber,
    /// Spreads the reconnections of many watchers.
    jitter: Jitter,
    has_acknowledged: bool,
}

/// What its subscriber asks for at one time.
#[derive(Default)]
struct Wishes {
    send: Vec<WatchRequest>,
    reconnect: Option<(Lost, Backoff)>,
}

impl Watcher {
    pub(super) fn new(shared: Shared, number: u32, svid: Svid) -> Result<Self> {
        let bundle = Arc::new(TrustBundle::new(svid.id.trust_domain().clone(), svid.roots)?);
        let identity = OwnIdentity::new(svid.chain, &svid.key)?;
        let (known, clock) = (Arc::new(Known::new()), Arc::new(SystemClock::default()));
        let subscriber = Subscriber::new(Held::default(), VERSION.to_owned(), Limits::default(), moment(&clock));
        let credentials = Credentials { identity, bundle, known, clock };
        let jitter = Jitter::from_random(number.wrapping_mul(GOLDEN));
        Ok(Self { shared, credentials, subscriber, jitter, has_acknowledged: false })
    }

    /// Watches until dropped, through every break of the stream.
    pub(super) async fn watch(mut self) {
        loop {
            let broken = self.session().await;
            let (lost, backoff) = broken.unwrap_or_else(|error| self.disconnected(&error));
            complain("a watcher begins anew", &lost);
            sleep(backoff.delay(self.jitter)).await;
        }
    }

    /// One stream, until the subscriber does not want it any more, or until it breaks by itself.
    async fn session(&mut self) -> Result<(Lost, Backoff)> {
        let mut line = self.open().await?;
        loop {
            let nap = self.subscriber.wake_at().map_or(LONGEST_NAP, |wake| wake.saturating_sub(since_boot()));
            tokio::select! {
                reply = line.next() => self.hear(reply?.context("the CA has ended the stream")?),
                () = sleep(nap) => self.subscriber.tick(self.moment()),
            }
            let wishes = self.wishes();
            if let Some(reconnect) = wishes.reconnect {
                return Ok(reconnect);
            }
            wishes.send.into_iter().try_for_each(|request| self.send(&line, request))?;
        }
    }

    async fn open(&mut self) -> Result<Line> {
        let turns = Arc::clone(&self.shared.turns);
        let _turn = turns.acquire().await?;
        self.subscriber.connected(self.moment());
        let hello = self.wishes().send.into_iter().next().context("a subscriber begins with Hello")?;
        Line::open(&self.shared.ca, &self.credentials, hello).await
    }

    fn hear(&mut self, reply: WatchReply) {
        match reply.message {
            Some(Message::Welcome(welcome)) => self.welcomed(welcome),
            _ => self.subscriber.receive(reply, self.moment()),
        }
    }

    fn welcomed(&mut self, welcome: Welcome) {
        let (now, Credentials { bundle, known, .. }) = (self.moment(), &self.credentials);
        match feed_key(&welcome.feed_chain, bundle, &known.truth(), now.wall) {
            Ok(key) => self.subscriber.welcome(welcome, key, now),
            Err(error) => self.subscriber.abandon(Lost::FeedChain(error.into())),
        }
    }

    fn disconnected(&mut self, error: &anyhow::Error) -> (Lost, Backoff) {
        complain("a watcher's stream has ended", error.as_ref());
        self.subscriber.disconnected();
        self.wishes().reconnect.unwrap_or((Lost::Disconnected, Backoff::after(0, LONGEST_NAP, LONGEST_NAP)))
    }

    /// Takes all that the subscriber asks for, and learns at once what it has been told.
    fn wishes(&mut self) -> Wishes {
        let mut wishes = Wishes::default();
        while let Some(action) = self.subscriber.poll() {
            match action {
                Action::Send(request) => wishes.send.push(request),
                Action::Apply { position, .. } => self.enforce(position),
                Action::Reconnect { reason, backoff } => wishes.reconnect = Some((reason, backoff)),
                Action::Persist | Action::Resolved(..) | Action::Registrations(_) => {}
            }
        }
        wishes
    }

    /// There is no connection to cut, so what is known is enforced.
    fn enforce(&mut self, position: Position) {
        self.credentials.known.learn(self.subscriber.held());
        if let Err(not_held) = self.subscriber.enforced(position, 0) {
            complain("an acknowledgement was not taken", &not_held);
        }
    }

    fn send(&mut self, line: &Line, request: WatchRequest) -> Result<()> {
        line.send(request)?;
        // Beside its Hello a watcher without connections sends nothing but acknowledgements.
        if !std::mem::replace(&mut self.has_acknowledged, true) {
            self.shared.ready.send_modify(|ready| *ready += 1);
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        moment(&self.credentials.clock)
    }
}

fn moment(clock: &SystemClock) -> Moment {
    Moment { wall: clock.now(), boot: since_boot() }
}

#[allow(clippy::print_stderr, reason = "the log of a program that is watched through its output")]
fn complain(what: &str, error: &dyn std::error::Error) {
    eprintln!("{what}: {}", chain(error));
}

/// While nothing is due.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// 2^32 divided by the golden ratio: multiples of it spread evenly.
const GOLDEN: u32 = 2_654_435_769;
