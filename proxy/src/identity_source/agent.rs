//! The conversation with the agent: one stream, opened again after a pause whenever it ends.

use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_mesh::SpiffeId;
use bulkhead_protocol::feed::subscriber::Backoff;
use bulkhead_protocol::workload_api::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use bulkhead_protocol::workload_api::{X509svidRequest, X509svidResponse};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tower::service_fn;

use super::publish::Said;
use super::{AgentAddress, response};
use crate::dice;

/// Passes on what the agent says, for as long as somebody listens.
pub(super) async fn follow(address: &AgentAddress, expected: Option<&SpiffeId>, says: &mpsc::Sender<Said>) {
    let mut failures = 0;
    while !says.is_closed() {
        let error = listen(address, expected, says, &mut failures).await;
        tracing::warn!(%address, error = chain(&error), "the agent is not heard");
        if let AgentError::Stream(status) = &error
            && status.code() == Code::PermissionDenied
        {
            // A closed channel ends the loop.
            let _ = says.send(Said::Denied(format!("the agent gives none any more: {}", status.message()))).await;
        }
        sleep(Backoff::after(failures, FIRST_PAUSE, LONGEST_PAUSE).delay(dice::jitter())).await;
        failures += 1;
    }
}

/// One stream, until it ends; what was said on it ends a row of failures.
async fn listen(
    address: &AgentAddress,
    expected: Option<&SpiffeId>,
    says: &mpsc::Sender<Said>,
    failures: &mut u32,
) -> AgentError {
    let channel = match connect(address).await {
        Ok(channel) => channel,
        Err(error) => return AgentError::Connect(error),
    };
    let mut client = SpiffeWorkloadApiClient::new(channel).max_decoding_message_size(LONGEST_RESPONSE);
    let mut stream = match client.fetch_x509svid(request()).await {
        Ok(response) => response.into_inner(),
        Err(status) => return AgentError::Stream(status),
    };
    loop {
        match stream.message().await {
            Ok(Some(response)) => {
                *failures = 0;
                let Some(said) = believe(response, expected) else { continue };
                if says.send(said).await.is_err() {
                    return AgentError::Ended;
                }
            }
            Ok(None) => return AgentError::Ended,
            Err(status) => return AgentError::Stream(status),
        }
    }
}

/// Believes the agent, or leaves everything as it had said before.
pub(super) fn believe(response: X509svidResponse, expected: Option<&SpiffeId>) -> Option<Said> {
    let read = response::read(response, expected).map(|svid| Said::Identity(Box::new(svid)));
    read.inspect_err(|error| {
        let hint = error.hint();
        tracing::error!(error = chain(error), hint, "the agent's word is refused");
    })
    .ok()
}

async fn connect(address: &AgentAddress) -> Result<Channel, tonic::transport::Error> {
    let path = address.path().to_owned();
    let open = move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    };
    let endpoint = Endpoint::from_static("http://bulkhead-agent").connect_timeout(CONNECT_WITHIN);
    endpoint.connect_with_connector(service_fn(open)).await
}

/// SPIFFE Workload Endpoint, section 6: without this a server must refuse, for a browser could have been tricked.
fn request() -> Request<X509svidRequest> {
    let mut request = Request::new(X509svidRequest {});
    request.metadata_mut().insert("workload.spiffe.io", MetadataValue::from_static("true"));
    request
}

/// Why the agent is not heard.
#[derive(Debug, thiserror::Error)]
enum AgentError {
    #[error("the socket cannot be opened")]
    Connect(#[source] tonic::transport::Error),
    #[error("the agent has refused or broken off")]
    Stream(#[source] Status),
    #[error("the agent has ended the stream")]
    Ended,
}

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A chain of four, sixteen roots and a key, with room to spare.
const LONGEST_RESPONSE: usize = 1 << 20;
