//! A stream to the CA.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use bulkhead_identity::tls::{Connector, OwnIdentity, Trust};
use bulkhead_identity::{Limits as CertificateLimits, SystemClock, TrustBundle};
use bulkhead_protocol::feed::Limits;
use bulkhead_protocol::transport::{ConnectLimits, connect};
use bulkhead_protocol::v1::feed_client::FeedClient;
use bulkhead_protocol::v1::{WatchReply, WatchRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::believe::Known;

/// What a watcher shows, and what it holds the CA against.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) identity: OwnIdentity,
    pub(super) bundle: Arc<TrustBundle>,
    pub(super) known: Arc<Known>,
    pub(super) clock: Arc<SystemClock>,
}

/// A stream in both directions. Dropping it ends it.
pub(super) struct Line {
    requests: mpsc::Sender<WatchRequest>,
    replies: Streaming<WatchReply>,
}

impl Line {
    /// Connects to the CA and says the first message, without which it would not answer.
    pub(super) async fn open(ca: &[String], credentials: &Credentials, first: WatchRequest) -> Result<Self> {
        let trust = Trust {
            bundle: Arc::clone(&credentials.bundle),
            truth: Arc::clone(&credentials.known) as _,
            clock: Arc::clone(&credentials.clock) as _,
            limits: CertificateLimits::default(),
        };
        let connector = Connector::new(Some(&credentials.identity), trust, &[b"h2"])?;
        let channel = connect(ca, &connector, ConnectLimits::default()).await?;
        let most = Limits::default().body_bytes + ENVELOPE;
        let (requests, receiver) = mpsc::channel(ROOM);
        requests.try_send(first).context("a new channel is full")?;
        let watching =
            FeedClient::new(channel).max_decoding_message_size(most).watch(ReceiverStream::new(receiver)).await;
        Ok(Self { requests, replies: watching?.into_inner() })
    }

    /// Sends a message; an error when the CA does not read what was sent before.
    pub(super) fn send(&self, request: WatchRequest) -> Result<()> {
        self.requests.try_send(request).context("the CA does not read")
    }

    /// The next message; `None` when the CA has ended the stream.
    pub(super) async fn next(&mut self) -> Result<Option<WatchReply>> {
        Ok(self.replies.message().await?)
    }
}

/// A watcher without connections says Hello and acknowledges.
const ROOM: usize = 64;
/// What a message has beside its body, as the sidecar counts it.
const ENVELOPE: usize = 64 << 10;
