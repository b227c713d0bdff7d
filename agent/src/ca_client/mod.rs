//! What the agent asks of the CA: the only place in it that sees the messages of `bulkhead.v1`.
//!
//! Each call has a connection of its own: calls are hours apart, and the connection is then always made with the
//! newest node certificate. Whoever answers must prove to be the CA before a byte of a request is sent.

mod error;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::SharedClock;
use bulkhead_identity::Limits;
use bulkhead_identity::tls::{Connector, OwnIdentity, Trust};
use bulkhead_mesh::InstanceId;
use bulkhead_protocol::attestation::{PodToken, attest};
use bulkhead_protocol::join_token::JoinSecret;
use bulkhead_protocol::transport::{ConnectLimits, connect};
use bulkhead_protocol::v1;
use tonic::Status;
use tonic::transport::Channel;

use crate::first_contact::FirstContact;
use crate::node_identity::NodeIdentity;
use crate::state::Membership;

pub use bulkhead_protocol::attestation::Answer;
pub use error::CaError;
pub use watch::Watch;

/// How the agent reaches the CA.
#[derive(Clone, Debug)]
pub struct CaClient {
    clock: SharedClock,
    limits: ConnectLimits,
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

    /// Turns the token of this node's pod into the node's certificate.
    pub async fn attest(&self, to: &Membership, token: &PodToken, csr: Vec<u8>) -> Result<Answer, CaError> {
        Ok(attest(&to.ca_addresses, &self.connector(to, None)?, self.limits, token, csr).await?)
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
        Watch::open(self.connect_as(node).await?).await
    }

    async fn connect_as(&self, node: &NodeIdentity) -> Result<Channel, CaError> {
        self.connect(&node.membership, Some(&node.own()?)).await
    }

    async fn connect(&self, to: &Membership, own: Option<&OwnIdentity>) -> Result<Channel, CaError> {
        Ok(connect(&to.ca_addresses, &self.connector(to, own)?, self.limits).await?)
    }

    fn connector(&self, to: &Membership, own: Option<&OwnIdentity>) -> Result<Connector, CaError> {
        let trust = Trust {
            bundle: Arc::new(to.bundle.clone()),
            truth: Arc::new(FirstContact::new()),
            clock: self.clock.clone(),
            limits: Limits::default(),
        };
        Connector::new(own, trust, &[b"h2"]).map_err(CaError::Configuration)
    }
}

fn answered(reply: Result<tonic::Response<v1::CertificateReply>, Status>) -> Result<Answer, CaError> {
    Ok(reply?.into_inner().into())
}

fn in_time<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// For an answer to one call.
const DEADLINE: Duration = Duration::from_secs(10);
/// Whoever asks again while the CA is away waits no longer than this in between.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);
