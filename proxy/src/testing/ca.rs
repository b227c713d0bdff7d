//! A CA in memory: protocol's own log and signatures, and streams that are two channels.

use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Epoch, Policy, Resolution, SpkiDigest, Subject, Timestamp};
use bulkhead_protocol::feed::log::{Next, Settings};
use bulkhead_protocol::feed::{AddressAnswer, FeedSigner, Incarnation, Log, Moment, Position, Statement, Subscription};
use bulkhead_protocol::v1::watch_reply::Message as Reply;
use bulkhead_protocol::v1::watch_request::Message as Request;
use bulkhead_protocol::v1::{WatchReply, WatchRequest, Welcome};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::certificates::{Mesh, Shown};
use crate::clocks::Clocks;
use crate::feed::dial::{Conversation, Dial, DialError};
use crate::identity_source::Svid;
use crate::testing::clock::TestClocks;

/// The CA's log and its key.
pub(crate) struct TestCa {
    pub(crate) log: Log,
    signer: FeedSigner,
    clocks: Arc<TestClocks>,
}

/// One stream as the CA sees it.
pub(crate) struct Watcher {
    pub(crate) requests: mpsc::Receiver<WatchRequest>,
    replies: mpsc::Sender<Result<WatchReply, Status>>,
    subscription: Option<Subscription>,
}

/// Whoever dials reaches the test.
#[derive(Clone, Debug)]
pub(crate) struct Switchboard(mpsc::UnboundedSender<Watcher>);

impl Switchboard {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Watcher>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }
}

impl Dial for Switchboard {
    fn dial(&self, _: Arc<Svid>) -> futures_util::future::BoxFuture<'static, Result<Conversation, DialError>> {
        let (requests, receiver) = mpsc::channel(1000);
        let (replies, said) = mpsc::channel(1000);
        // A test that has stopped listening sees no more streams.
        let _ = self.0.send(Watcher { requests: receiver, replies, subscription: None });
        Box::pin(async move { Ok(Conversation { requests, replies: Box::pin(ReceiverStream::new(said)) }) })
    }
}

impl TestCa {
    pub(crate) fn new(mesh: &Mesh, clocks: &Arc<TestClocks>) -> Self {
        Self::with_key(&mesh.control("feed"), 1, clocks)
    }

    /// A CA that begins this history with this feed key.
    pub(crate) fn with_key(key: &Shown, history: u64, clocks: &Arc<TestClocks>) -> Self {
        let log = Log::new(Incarnation::new(history), Settings::new(key.chain_der()));
        Self { log, signer: FeedSigner::from_pkcs8(&key.pkcs8).unwrap(), clocks: Arc::clone(clocks) }
    }

    pub(crate) fn say(&mut self, statement: &Statement) -> Position {
        let position = self.log.head().next().unwrap();
        self.log.append(self.signer.fact(position, statement).unwrap()).unwrap();
        position
    }

    /// The beginning of most tests: a policy, and the issuers of the mesh.
    pub(crate) fn begin(&mut self, mesh: &Mesh, policy: &Arc<Policy>) -> Position {
        let issuers: std::collections::BTreeSet<SpkiDigest> = [mesh.issuing.digest(), mesh.control.digest()].into();
        self.say(&Statement::Issuers(issuers.into()));
        self.say(&Statement::Policy(Arc::clone(policy)))
    }

    pub(crate) fn cut_off_node(&mut self, node: &str) -> Position {
        self.say(&Statement::Cutoff(node_cutoff(node)))
    }

    pub(crate) fn address(&self, address: IpAddr, version: u64, resolution: Resolution) -> Reply {
        let answer = AddressAnswer { incarnation: self.log.head().incarnation, address, version, resolution };
        Reply::Address(self.signer.address(&answer).unwrap())
    }
}

pub(crate) fn node_cutoff(node: &str) -> Cutoff {
    let subject = Subject::Node { node: node.parse().unwrap(), epoch: Epoch::FIRST };
    Cutoff { subject, reason: "stolen".parse().unwrap(), bound: Timestamp::MAX }
}

impl Watcher {
    /// Hears the watcher's hello and tells it everything.
    pub(crate) async fn greet(&mut self, ca: &mut TestCa) {
        let welcome = self.welcome(ca).await;
        self.reply(Reply::Welcome(welcome)).await;
        self.catch_up(ca).await;
    }

    /// Hears the watcher's hello; what it would be told is for the test to send.
    pub(crate) async fn welcome(&mut self, ca: &mut TestCa) -> Welcome {
        let Some(Request::Hello(hello)) = self.request().await else { panic!("no hello") };
        let welcomed = ca.log.welcome(&hello, &ca.signer).unwrap();
        self.subscription = Some(welcomed.subscription);
        welcomed.welcome
    }

    /// Sends every fact that the watcher has not, and a heartbeat.
    pub(crate) async fn catch_up(&mut self, ca: &mut TestCa) {
        while let Next::Send(message) = self.subscription.as_mut().unwrap().next(&ca.log) {
            self.reply(message).await;
        }
        self.heartbeat(ca).await;
    }

    pub(crate) async fn heartbeat(&mut self, ca: &TestCa) {
        let subscription = self.subscription.as_mut().unwrap();
        let now = Moment { wall: ca.clocks.of_the_ca(), boot: ca.clocks.boot() };
        if let Some(beat) = subscription.heartbeat(&ca.log, now, &[0; 32]) {
            self.reply(Reply::Heartbeat(beat)).await;
        }
    }

    /// A watcher that has gone hears nothing, which is for the test to notice.
    pub(crate) async fn reply(&self, message: Reply) {
        let _ = self.replies.send(Ok(WatchReply { message: Some(message) })).await;
    }

    pub(crate) async fn end(self, status: Status) {
        self.replies.send(Err(status)).await.unwrap();
    }

    /// What the watcher says next; `None` when it has gone.
    pub(crate) async fn request(&mut self) -> Option<Request> {
        self.requests.recv().await.map(|request| request.message.unwrap())
    }

    /// Waits for an acknowledgement of this position or a later one; how many connections were closed.
    pub(crate) async fn acknowledgement(&mut self, position: Position) -> u64 {
        let mut closed = 0;
        loop {
            match self.request().await.expect("the watcher has gone") {
                Request::Enforced(enforced) => {
                    closed += enforced.connections_closed;
                    if Position::from(enforced.position.unwrap()) >= position {
                        return closed;
                    }
                }
                other => panic!("{other:?} where an acknowledgement was awaited"),
            }
        }
    }
}
