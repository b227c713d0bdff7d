//! One watcher's stream, from its Hello until it ends: facts first, then answers, then heartbeats.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::clock::since_boot;
use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_mesh::NodeName;
use bulkhead_protocol::convert::{Registration, read_address};
use bulkhead_protocol::feed::log::{Next, Subscription};
use bulkhead_protocol::feed::{Moment, Position};
use bulkhead_protocol::v1::{self, watch_reply::Message, watch_request};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};

use super::{Acknowledgement, OpenStream};
use crate::ca::Ca;
use crate::caller::Watcher;
use crate::denied::Denied;
use crate::store::Committed;

/// What goes to the watcher, in order.
pub type Replies = mpsc::Sender<Result<v1::WatchReply, Status>>;

/// A watcher that has been welcomed.
#[derive(Debug)]
pub struct Session {
    ca: Arc<Ca>,
    watcher: Watcher,
    subscription: Subscription,
    /// What waits to be sent besides facts.
    waiting: VecDeque<Message>,
    asked: BTreeSet<IpAddr>,
    /// Nodes have none: their word does not count in a receipt.
    acknowledging: Option<OpenStream>,
    ears: Ears,
}

/// What wakes a session.
#[derive(Debug)]
struct Ears {
    head: watch::Receiver<Position>,
    moved: broadcast::Receiver<Arc<[IpAddr]>>,
    committed: watch::Receiver<Committed>,
}

/// What woke it.
enum Event {
    Heard(watch_request::Message),
    Moved(Option<Arc<[IpAddr]>>),
    Registrations,
    /// A fact or a heartbeat may be due.
    Look,
    Over,
}

impl Session {
    /// Welcomes a watcher that said Hello.
    pub fn welcome(ca: &Arc<Ca>, watcher: Watcher, hello: &v1::Hello) -> Result<Self, Status> {
        let fanout = &ca.fanout;
        // The ears first: what changes from here on is heard.
        let ears = Ears { head: fanout.head.subscribe(), moved: fanout.moved.subscribe(), committed: ca.store.watch() };
        let welcomed = fanout
            .log()
            .welcome(hello, &fanout.signer)
            .map_err(|error| Status::failed_precondition(error.to_string()))?;
        if let Some(regression) = welcomed.regression {
            tracing::error!(watcher = %watcher.id, %regression, "a watcher remembers more than this CA");
            ca.metrics.regressions.inc();
        }
        let acknowledging = watcher.instance.map(|instance| fanout.acknowledgements.enter(instance));
        let waiting = VecDeque::from([Message::Welcome(welcomed.welcome)]);
        let (ca, subscription, asked) = (Arc::clone(ca), welcomed.subscription, BTreeSet::new());
        Ok(Self { ca, watcher, subscription, waiting, asked, acknowledging, ears })
    }

    /// Serves the watcher until it leaves, breaks a rule, or is itself cut off.
    pub async fn run(mut self, mut requests: Streaming<v1::WatchRequest>, replies: Replies) {
        if let Err(status) = self.serve(&mut requests, &replies).await {
            // The watcher may be gone already.
            let _ = timeout(SEND_LIMIT, replies.send(Err(status))).await;
        }
    }

    async fn serve(&mut self, requests: &mut Streaming<v1::WatchRequest>, replies: &Replies) -> Result<(), Status> {
        self.wait_registrations().await?;
        loop {
            while let Some(message) = self.next()? {
                send(replies, message).await?;
            }
            match self.event(requests).await? {
                Event::Heard(message) => self.hear(message).await?,
                Event::Moved(addresses) => self.tell_moved(addresses).await?,
                Event::Registrations => self.wait_registrations().await?,
                Event::Look => {}
                Event::Over => return Ok(()),
            }
            self.check_watcher()?;
        }
    }

    /// What is to be sent next: the welcome, then facts, then answers, then a heartbeat if one is due.
    fn next(&mut self) -> Result<Option<Message>, Status> {
        if let Some(Message::Welcome(_)) = self.waiting.front() {
            return Ok(self.waiting.pop_front());
        }
        match self.subscription.next(&self.ca.fanout.log()) {
            Next::Send(message) => return Ok(Some(message)),
            Next::End(ended) => return Err(Status::aborted(ended.to_string())),
            Next::Idle => {}
        }
        let answer = self.waiting.pop_front();
        Ok(answer.or_else(|| self.heartbeat().map(Message::Heartbeat)))
    }

    fn heartbeat(&mut self) -> Option<v1::Heartbeat> {
        let now = Moment { wall: self.ca.now(), boot: since_boot() };
        let audit = self.ears.committed.borrow().audit.hash;
        self.subscription.heartbeat(&self.ca.fanout.log(), now, &audit)
    }

    async fn event(&mut self, requests: &mut Streaming<v1::WatchRequest>) -> Result<Event, Status> {
        let until_heartbeat = self.subscription.wake_at().saturating_sub(since_boot());
        let Ears { head, moved, committed } = &mut self.ears;
        tokio::select! {
            heard = requests.message() => Ok(heard?.and_then(|request| request.message).map_or(Event::Over, Event::Heard)),
            changed = head.changed() => Ok(if changed.is_ok() { Event::Look } else { Event::Over }),
            addresses = moved.recv() => Ok(match addresses {
                Ok(addresses) => Event::Moved(Some(addresses)),
                Err(broadcast::error::RecvError::Lagged(_)) => Event::Moved(None),
                Err(broadcast::error::RecvError::Closed) => Event::Over,
            }),
            changed = committed.changed(), if self.watcher.instance.is_none() => {
                Ok(if changed.is_ok() { Event::Registrations } else { Event::Over })
            }
            () = sleep(until_heartbeat) => Ok(Event::Look),
        }
    }

    async fn hear(&mut self, message: watch_request::Message) -> Result<(), Status> {
        match message {
            watch_request::Message::Hello(_) => Err(Status::invalid_argument("Hello was said before")),
            watch_request::Message::Enforced(enforced) => self.acknowledge(enforced),
            watch_request::Message::Lookup(lookup) => {
                let address = read_address("lookup.address", &lookup.address).map_err(Denied::from)?;
                self.asked.insert(address);
                if self.asked.len() > MAX_ADDRESSES {
                    return Err(Status::resource_exhausted(format!("more than {MAX_ADDRESSES} addresses in use")));
                }
                self.answer(address).await
            }
            watch_request::Message::Forget(forget) => {
                self.asked.remove(&read_address("forget.address", &forget.address).map_err(Denied::from)?);
                Ok(())
            }
        }
    }

    fn acknowledge(&mut self, enforced: v1::Enforced) -> Result<(), Status> {
        let said =
            self.subscription.acknowledge(enforced).map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Some(open) = &self.acknowledging {
            let (position, connections_closed) = (said.position, said.connections_closed);
            open.acknowledge(Acknowledgement { position, at: self.ca.now(), connections_closed });
        }
        Ok(())
    }

    async fn answer(&mut self, address: IpAddr) -> Result<(), Status> {
        let answer = self.ca.fanout.answer(&self.ca, address).await?;
        self.waiting.push_back(Message::Address(answer));
        Ok(())
    }

    /// Tells again what stands at each address that changed and that this watcher uses; all of them, if it lost count.
    async fn tell_moved(&mut self, addresses: Option<Arc<[IpAddr]>>) -> Result<(), Status> {
        let changed: Vec<IpAddr> = match addresses {
            Some(addresses) => addresses.iter().copied().filter(|address| self.asked.contains(address)).collect(),
            None => self.asked.iter().copied().collect(),
        };
        for address in changed {
            self.answer(address).await?;
        }
        Ok(())
    }

    /// A node is told all of its registrations whenever anything was committed that may concern them.
    async fn wait_registrations(&mut self) -> Result<(), Status> {
        if self.watcher.instance.is_none() {
            let all = registrations_of(&self.ca, self.watcher.life.node.clone()).await?;
            self.waiting.push_back(Message::Registrations(all));
        }
        Ok(())
    }

    /// A revoked watcher is told nothing more. Its certificate's end is the client's business: it reconnects.
    fn check_watcher(&self) -> Result<(), Status> {
        match self.ca.known.truth().cutoffs.voids(&self.watcher.credential) {
            Some(cutoff) => Err(Status::permission_denied(cutoff.to_string())),
            None => Ok(()),
        }
    }
}

async fn registrations_of(ca: &Ca, node: NodeName) -> Result<v1::Registrations, Denied> {
    let records = ca.store.read(move |now| now.registrations_on(&node)).await?;
    let registrations = records.into_iter().map(|record| v1::Registration::from(Registration::from(record))).collect();
    Ok(v1::Registrations { registrations })
}

async fn send(replies: &Replies, message: Message) -> Result<(), Status> {
    let reply = v1::WatchReply { message: Some(message) };
    match timeout(SEND_LIMIT, replies.send(Ok(reply))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Status::cancelled("the watcher has left")),
        Err(_) => Err(Status::deadline_exceeded("the watcher does not read")),
    }
}

/// A watcher that takes no message for this long is dropped; it resumes where it was when it comes back.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// Addresses that one watcher may keep in use.
const MAX_ADDRESSES: usize = 65_536;
