//! What the agent asks of the CA: the only file of it that sees the messages of `bulkhead.v1`.
//!
//! Each call has a connection of its own: calls are hours apart, and the connection is then always made with the
//! newest node certificate. Whoever answers must prove to be the CA before a byte of a request is sent.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::Limits;
use bulkhead_identity::tls::{Connector, OwnIdentity, OwnIdentityError, Trust};
use bulkhead_mesh::InstanceId;
use bulkhead_protocol::convert::{ConvertError, Registration};
use bulkhead_protocol::feed::FACTS_1;
use bulkhead_protocol::join_token::JoinSecret;
use bulkhead_protocol::transport::{ConnectError, ConnectLimits, connect};
use bulkhead_protocol::v1;
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use v1::watch_reply::Message as Reply;
use v1::watch_request::Message as Request;

use crate::node_identity::{FirstContact, NodeIdentity};
use crate::state::Membership;
use bulkhead_daemon::SharedClock;

/// How the agent reaches the CA.
#[derive(Clone, Debug)]
pub struct CaClient {
    clock: SharedClock,
    limits: ConnectLimits,
}

/// A certificate as the CA answered it, not looked at yet.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The certificate and its intermediate, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The roots of the trust domain.
    pub roots: Vec<CertificateDer<'static>>,
}

/// The stream on which the CA tells the registrations of this node.
#[derive(Debug)]
pub struct Watch {
    replies: Streaming<v1::WatchReply>,
    /// Keeps our half of the stream open.
    _requests: mpsc::Sender<v1::WatchRequest>,
    patience: Duration,
}

impl CaClient {
    /// A client on this clock.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, limits: ConnectLimits::default() }
    }

    /// Turns a join token's secret into the node's first certificate.
    pub async fn join(&self, to: &Membership, secret: &JoinSecret, csr: Vec<u8>) -> Result<Answer, CaError> {
        let mut client = v1::join_client::JoinClient::new(self.connect(to, None).await?);
        let request = v1::JoinRequest { secret: secret.as_bytes().to_vec(), csr };
        answered(client.join(in_time(request)).await)
    }

    /// The next certificate of the node itself.
    pub async fn renew(&self, node: &NodeIdentity, csr: Vec<u8>) -> Result<Answer, CaError> {
        let mut client = v1::issuance_client::IssuanceClient::new(self.connect_as(node).await?);
        answered(client.renew(in_time(v1::RenewRequest { csr })).await)
    }

    /// A certificate of a workload that is registered on the node.
    pub async fn issue(&self, node: &NodeIdentity, registration: InstanceId, csr: Vec<u8>) -> Result<Answer, CaError> {
        let mut client = v1::issuance_client::IssuanceClient::new(self.connect_as(node).await?);
        let evidence = v1::AgentEvidence { registration: registration.as_bytes().to_vec() };
        let request = v1::IssueRequest { csr, evidence: Some(v1::issue_request::Evidence::Agent(evidence)) };
        answered(client.issue(in_time(request)).await)
    }

    /// Opens the stream of the node's registrations.
    pub async fn watch(&self, node: &NodeIdentity) -> Result<Watch, CaError> {
        let mut client =
            v1::feed_client::FeedClient::new(self.connect_as(node).await?).max_decoding_message_size(MAX_WATCH_MESSAGE);
        let (requests, outgoing) = mpsc::channel(1);
        let hello = v1::WatchRequest { message: Some(Request::Hello(hello())) };
        requests.try_send(hello).expect("a new channel of one place is empty");
        let opening = client.watch(ReceiverStream::new(outgoing));
        let replies = tokio::time::timeout(DEADLINE, opening).await.map_err(|_| CaError::Silent)??.into_inner();
        Watch { replies, _requests: requests, patience: DEADLINE }.welcomed().await
    }

    async fn connect_as(&self, node: &NodeIdentity) -> Result<Channel, CaError> {
        self.connect(&node.membership, Some(&node.own()?)).await
    }

    async fn connect(&self, to: &Membership, own: Option<&OwnIdentity>) -> Result<Channel, CaError> {
        let trust = Trust {
            bundle: Arc::new(to.bundle.clone()),
            truth: Arc::new(FirstContact::new()),
            clock: self.clock.clone(),
            limits: Limits::default(),
        };
        let connector = Connector::new(own, trust, &[b"h2"]).map_err(CaError::Configuration)?;
        Ok(connect(&to.ca_addresses, &connector, self.limits).await?)
    }
}

impl Watch {
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
        let reply =
            tokio::time::timeout(self.patience, self.replies.message()).await.map_err(|_| CaError::Silent)??;
        reply
            .ok_or(CaError::Ended)?
            .message
            .ok_or(CaError::Protocol("a message of a kind that this agent does not know"))
    }
}

/// Why the CA did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CaError {
    #[error("the CA cannot be reached")]
    Connect(#[from] ConnectError),
    #[error("the CA refused: {message}")]
    Refused { message: String },
    #[error("the CA did not answer as it should ({code:?}): {message}")]
    Failed { code: Code, message: String },
    #[error("the CA was silent for too long")]
    Silent,
    #[error("the CA ended the stream")]
    Ended,
    #[error("the CA broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the CA sent what has no meaning")]
    Convert(#[from] ConvertError),
    #[error("the node's certificate cannot be shown")]
    Own(#[from] OwnIdentityError),
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
}

impl CaError {
    /// Whether the CA has decided against us, so that asking again soon is of no use.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl From<Status> for CaError {
    fn from(status: Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => Self::Refused { message },
            code => Self::Failed { code, message },
        }
    }
}

fn answered(reply: Result<tonic::Response<v1::CertificateReply>, Status>) -> Result<Answer, CaError> {
    let v1::CertificateReply { chain, roots } = reply?.into_inner();
    let certificates = |list: Vec<Vec<u8>>| list.into_iter().map(CertificateDer::from).collect();
    Ok(Answer { chain: certificates(chain), roots: certificates(roots) })
}

fn in_time<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

fn hello() -> v1::Hello {
    v1::Hello { capabilities: vec![FACTS_1.into()], holds: None, version: env!("CARGO_PKG_VERSION").into() }
}

/// For an answer to one call, and for the first message of a stream.
const DEADLINE: Duration = Duration::from_secs(10);
/// A thousand registrations of the longest names.
const MAX_WATCH_MESSAGE: usize = 4 * 1024 * 1024;
const MISSED_HEARTBEATS: u32 = 10;
const SHORTEST_PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_PATIENCE: Duration = Duration::from_mins(1);
