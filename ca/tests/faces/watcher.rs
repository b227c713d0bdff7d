//! A watcher that a test drives by hand.

use bulkhead_protocol::feed::{FACTS_1, Position};
use bulkhead_protocol::v1::feed_client::FeedClient;
use bulkhead_protocol::v1::{self, WatchReply, WatchRequest, watch_reply, watch_request};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use watch_reply::Message;

use crate::people::Identity;
use crate::world::{World, soon};

/// One stream of the feed.
pub(crate) struct Watcher {
    requests: mpsc::Sender<WatchRequest>,
    replies: Streaming<WatchReply>,
}

impl Watcher {
    /// Opens a stream and says nothing.
    pub(crate) async fn open(channel: Channel) -> Result<Self, Status> {
        let (requests, receiver) = mpsc::channel(16);
        let replies = soon(FeedClient::new(channel).watch(ReceiverStream::new(receiver))).await?.into_inner();
        Ok(Self { requests, replies })
    }

    /// Opens a stream and reads on to the end of the first snapshot.
    pub(crate) async fn settled(world: &World, who: &Identity) -> (Self, Position) {
        let mut watcher = Self::open(world.channel(who).await).await.unwrap();
        watcher.hello(None).await;
        let end = watcher.until(|message| if let Message::SnapshotEnd(end) = message { Some(end) } else { None }).await;
        (watcher, end.position.unwrap().into())
    }

    pub(crate) async fn say(&self, message: watch_request::Message) {
        // A stream that was ended takes nothing more: what it was told is read from it.
        let _ = self.requests.send(WatchRequest { message: Some(message) }).await;
    }

    pub(crate) async fn hello(&self, holds: Option<Position>) {
        let (capabilities, version) = (vec![FACTS_1.to_owned()], "test".to_owned());
        let hello = v1::Hello { capabilities, holds: holds.map(Into::into), version };
        self.say(watch_request::Message::Hello(hello)).await;
    }

    pub(crate) async fn look_up(&self, address: [u8; 4]) {
        let lookup = v1::Lookup { address: address.to_vec(), afresh: false };
        self.say(watch_request::Message::Lookup(lookup)).await;
    }

    pub(crate) async fn enforce(&self, position: Position, connections_closed: u64) {
        let enforced = v1::Enforced { position: Some(position.into()), connections_closed };
        self.say(watch_request::Message::Enforced(enforced)).await;
    }

    /// The next message of any kind.
    pub(crate) async fn next(&mut self) -> Message {
        soon(self.replies.message()).await.unwrap().expect("the stream goes on").message.unwrap()
    }

    /// Reads on to the first message that is wanted.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(Message) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(self.next().await) {
                    return found;
                }
            }
        };
        soon(found).await
    }

    /// Reads on to the next fact.
    pub(crate) async fn fact(&mut self) -> v1::Fact {
        self.until(|message| if let Message::Fact(fact) = message { Some(fact) } else { None }).await
    }

    pub(crate) async fn heartbeat(&mut self) -> v1::Heartbeat {
        self.until(|message| if let Message::Heartbeat(beat) = message { Some(beat) } else { None }).await
    }

    pub(crate) async fn registrations(&mut self) -> Vec<v1::Registration> {
        let found = |message| if let Message::Registrations(found) = message { Some(found) } else { None };
        self.until(found).await.registrations
    }

    /// Reads on to the stream's end and says why it ended.
    pub(crate) async fn ended(&mut self) -> Status {
        let ended = async {
            loop {
                match self.replies.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Status::ok("the stream ended without a reason"),
                    Err(status) => return status,
                }
            }
        };
        soon(ended).await
    }
}
