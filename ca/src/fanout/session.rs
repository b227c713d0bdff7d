//! One watcher's stream, from its Hello until it ends: facts first, then a node's registrations, then answers.

mod ears;
mod requests;
mod standing;

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_daemon::clock::since_boot;
use bulkhead_protocol::feed::Moment;
use bulkhead_protocol::feed::log::{Next, Subscription};
use bulkhead_protocol::v1::{self, watch_reply::Message};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::OpenStream;
use crate::ca::Ca;
use crate::caller::Watcher;
use ears::{Ears, Event};

/// What goes to the watcher, in order.
pub type Replies = mpsc::Sender<Result<v1::WatchReply, Status>>;

/// A watcher that has been welcomed.
#[derive(Debug)]
pub struct Session {
    ca: Arc<Ca>,
    watcher: Watcher,
    subscription: Subscription,
    /// The welcome, and what a node is told of its registrations.
    waiting: VecDeque<Message>,
    /// The addresses that the watcher uses.
    asked: BTreeSet<IpAddr>,
    /// Those of them whose answer is due.
    due: BTreeSet<IpAddr>,
    /// What a node was told of its registrations last.
    registrations: Option<v1::Registrations>,
    /// Nodes have none: their word does not count in a receipt.
    acknowledging: Option<OpenStream>,
    ears: Ears,
}

impl Session {
    /// Welcomes a watcher that said Hello.
    pub fn welcome(ca: &Arc<Ca>, watcher: Watcher, hello: &v1::Hello) -> Result<Self, Status> {
        // The ears first: what changes from here on is heard.
        let ears = Ears::open(ca);
        let welcomed = ca.fanout.log().welcome(hello, &ca.fanout.signer);
        let welcomed = welcomed.map_err(|error| Status::failed_precondition(error.to_string()))?;
        if let Some(regression) = welcomed.regression {
            tracing::error!(watcher = %watcher.id, %regression, "a watcher remembers more than this CA");
            ca.metrics.regressions.inc();
        }
        Ok(Self {
            ca: Arc::clone(ca),
            acknowledging: watcher.instance.map(|instance| ca.fanout.acknowledgements.enter(instance)),
            watcher,
            subscription: welcomed.subscription,
            waiting: VecDeque::from([Message::Welcome(welcomed.welcome)]),
            asked: BTreeSet::new(),
            due: BTreeSet::new(),
            registrations: None,
            ears,
        })
    }

    /// Serves the watcher until it leaves, breaks a rule, or is itself not served any more.
    pub async fn run(mut self, mut requests: Streaming<v1::WatchRequest>, replies: Replies) {
        if let Err(status) = self.serve(&mut requests, &replies).await {
            tracing::info!(watcher = %self.watcher.id, reason = status.message(), "a watcher's stream was ended");
            // The watcher may be gone already.
            let _ = timeout(self.ca.settings.watch.send, replies.send(Err(status))).await;
        }
    }

    async fn serve(&mut self, requests: &mut Streaming<v1::WatchRequest>, replies: &Replies) -> Result<(), Status> {
        // Since the layer looked, and before the ears were open, the watcher's record may have changed.
        self.look_again().await?;
        loop {
            while let Some(message) = self.next().await? {
                self.send(replies, message).await?;
            }
            match self.event(requests).await? {
                Event::Heard(message) => self.hear(message)?,
                Event::Moved(addresses) => self.note_moved(addresses).await?,
                Event::Committed => self.look_again().await?,
                Event::Look => {}
                Event::Over => return Ok(()),
            }
        }
    }

    /// What is to be sent next: the welcome, then facts, then what is due by itself, then one answer.
    ///
    /// Answers come last and one by one, so that a watcher of many addresses hears of a cutoff between two of them.
    async fn next(&mut self) -> Result<Option<Message>, Status> {
        self.check_watcher()?;
        if let Some(Message::Welcome(_)) = self.waiting.front() {
            return Ok(self.waiting.pop_front());
        }
        match self.subscription.next(&self.ca.fanout.log()) {
            Next::Send(message) => return Ok(Some(message)),
            Next::End(ended) => return Err(Status::aborted(ended.to_string())),
            Next::Idle => {}
        }
        let waiting = self.waiting.pop_front().or_else(|| self.heartbeat().map(Message::Heartbeat));
        if waiting.is_some() {
            return Ok(waiting);
        }
        let Some(address) = self.due.pop_first() else { return Ok(None) };
        Ok(Some(Message::Address(self.ca.fanout.answer(&self.ca, address).await?)))
    }

    fn heartbeat(&mut self) -> Option<v1::Heartbeat> {
        let now = Moment { wall: self.ca.now(), boot: since_boot() };
        let audit = self.ears.audit_head();
        self.subscription.heartbeat(&self.ca.fanout.log(), now, &audit)
    }

    async fn send(&self, replies: &Replies, message: Message) -> Result<(), Status> {
        let reply = v1::WatchReply { message: Some(message) };
        match timeout(self.ca.settings.watch.send, replies.send(Ok(reply))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Status::cancelled("the watcher has left")),
            Err(_) => Err(Status::deadline_exceeded("the watcher does not read")),
        }
    }
}
