//! The stream on which the CA tells the registrations of this node.

use std::time::Duration;

use bulkhead_protocol::convert::Registration;
use bulkhead_protocol::feed::FACTS_1;
use bulkhead_protocol::v1;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use v1::watch_reply::Message as Reply;
use v1::watch_request::Message as Request;

use super::CaError;

/// An open stream, past its welcome.
#[derive(Debug)]
pub struct Watch {
    replies: Streaming<v1::WatchReply>,
    /// Keeps our half of the stream open.
    _requests: mpsc::Sender<v1::WatchRequest>,
    patience: Duration,
}

impl Watch {
    pub(super) async fn open(channel: Channel) -> Result<Self, CaError> {
        let mut client = v1::feed_client::FeedClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let (requests, outgoing) = mpsc::channel(1);
        let hello = v1::WatchRequest { message: Some(Request::Hello(hello())) };
        requests.try_send(hello).expect("a new channel of one place is empty");
        let opening = client.watch(ReceiverStream::new(outgoing));
        let replies = timeout(FIRST_PATIENCE, opening).await.map_err(|_| CaError::Silent)??.into_inner();
        Self { replies, _requests: requests, patience: FIRST_PATIENCE }.welcomed().await
    }

    /// The next full set of registrations. A CA that has said nothing for long, not even a heartbeat, is an error.
    pub async fn next(&mut self) -> Result<Vec<Registration>, CaError> {
        loop {
            // Facts and addresses are for proxies; heartbeats have done their work by coming.
            if let Reply::Registrations(told) = self.message().await? {
                return Ok(told.registrations.into_iter().map(Registration::try_from).collect::<Result<_, _>>()?);
            }
        }
    }

    /// The CA's first message says how often it will be heard from.
    async fn welcomed(mut self) -> Result<Self, CaError> {
        let Reply::Welcome(welcome) = self.message().await? else {
            return Err(CaError::Protocol("no Welcome came first"));
        };
        if !welcome.capabilities.iter().any(|capability| capability == FACTS_1) {
            return Err(CaError::Protocol("the CA lacks the capability `facts-1`"));
        }
        let heartbeat = Duration::from_millis(welcome.heartbeat_millis.into());
        self.patience = (heartbeat * MISSED_HEARTBEATS).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE);
        Ok(self)
    }

    async fn message(&mut self) -> Result<Reply, CaError> {
        let reply = timeout(self.patience, self.replies.message()).await.map_err(|_| CaError::Silent)??;
        let unknown = CaError::Protocol("a message of a kind that this agent does not know");
        reply.ok_or(CaError::Ended)?.message.ok_or(unknown)
    }
}

fn hello() -> v1::Hello {
    v1::Hello { capabilities: vec![FACTS_1.into()], holds: None, version: env!("CARGO_PKG_VERSION").into() }
}

/// For the answer to Hello.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
/// A thousand registrations of the longest names.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
const MISSED_HEARTBEATS: u32 = 10;
const SHORTEST_PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_PATIENCE: Duration = Duration::from_mins(1);
