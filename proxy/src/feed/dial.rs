//! Opening a stream to the CA.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_identity::Limits as CertificateLimits;
use bulkhead_identity::tls::{Connector, Trust};
use bulkhead_protocol::feed::Limits;
use bulkhead_protocol::transport::{ConnectError, ConnectLimits, connect};
use bulkhead_protocol::v1::feed_client::FeedClient;
use bulkhead_protocol::v1::{WatchReply, WatchRequest};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, TryFutureExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::clocks::SharedClocks;
use crate::identity_source::Svid;
use crate::truth::{Truth, TruthForTheCa};

/// Opens streams: to the CA in earnest, to a simulated one in tests.
pub(crate) trait Dial: Debug + Send + Sync {
    /// Connects with this certificate. Nothing is said yet; the first message is the driver's.
    fn dial(&self, svid: Arc<Svid>) -> BoxFuture<'static, Result<Conversation, DialError>>;
}

/// A stream in both directions. Dropping it ends it.
pub(crate) struct Conversation {
    pub(crate) requests: mpsc::Sender<WatchRequest>,
    pub(crate) replies: Pin<Box<dyn Stream<Item = Result<WatchReply, Status>> + Send>>,
}

/// The CA, at one of its addresses.
#[derive(Clone, Debug)]
pub(crate) struct Ca {
    pub(crate) addresses: Arc<[String]>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) clocks: SharedClocks,
    pub(crate) limits: ConnectLimits,
    pub(crate) feed: Limits,
}

impl Dial for Ca {
    fn dial(&self, svid: Arc<Svid>) -> BoxFuture<'static, Result<Conversation, DialError>> {
        self.clone().open(svid).boxed()
    }
}

impl Ca {
    async fn open(self, svid: Arc<Svid>) -> Result<Conversation, DialError> {
        let clock = Arc::clone(&self.clocks);
        let trust = Trust {
            bundle: Arc::clone(&svid.bundle),
            truth: Arc::new(TruthForTheCa(self.truth)),
            clock,
            limits: CertificateLimits::default(),
        };
        let connector = Connector::new(Some(&svid.identity), trust, &[b"h2"]).map_err(DialError::Configuration)?;
        let channel = connect(&self.addresses, &connector, self.limits).await?;
        let client = FeedClient::new(channel).max_decoding_message_size(self.feed.body_bytes.saturating_add(ENVELOPE));
        Ok(Conversation::with(client, requests_at_most(&self.feed)))
    }
}

impl Conversation {
    /// The call is made when the first reply is waited for: by then the driver has said its first message, without which
    /// the CA may not even answer with headers.
    fn with(mut client: FeedClient<tonic::transport::Channel>, room: usize) -> Self {
        let (requests, receiver) = mpsc::channel(room);
        let call = async move { client.watch(ReceiverStream::new(receiver)).await };
        let replies = call.map_ok(tonic::Response::into_inner).try_flatten_stream();
        Self { requests, replies: Box::pin(replies) }
    }
}

impl Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").finish_non_exhaustive()
    }
}

/// How many messages may wait for the CA to read them: after a reconnection every address in use is asked for at once.
pub(crate) fn requests_at_most(limits: &Limits) -> usize {
    limits.addresses.saturating_mul(2).saturating_add(64)
}

/// Why no stream was opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(crate) enum DialError {
    #[error("the own certificate cannot be shown")]
    Configuration(#[source] rustls::Error),
    #[error("the CA is not reached")]
    Connect(#[from] ConnectError),
}

impl DialError {
    /// Whether the CA has looked at the certificate and does not take it.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Connect(ConnectError::Refused { .. }))
    }
}

/// What a message has beside its body: a signature, a chain, a few numbers.
const ENVELOPE: usize = 64 << 10;
