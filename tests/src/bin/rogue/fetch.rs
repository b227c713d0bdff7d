//! Takes a workload's key and chain from its agent's socket.

use std::fs;

use anyhow::{Context as _, Result};
use bulkhead_protocol::workload_api::X509svidRequest;
use bulkhead_protocol::workload_api::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::transport::Endpoint;
use tower::service_fn;

use crate::identity::{split_certificates, to_pem};

pub(crate) async fn fetch(socket: &str, file: &str) -> Result<String> {
    let path = socket.to_owned();
    let dial = service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://agent").connect_with_connector(dial).await?;
    let mut request = Request::new(X509svidRequest {});
    request.metadata_mut().insert("workload.spiffe.io", "true".parse()?);
    let mut answers = SpiffeWorkloadApiClient::new(channel).fetch_x509svid(request).await?.into_inner();
    let answer = answers.message().await?.context("the agent answered nothing")?;
    let svid = answer.svids.into_iter().next().context("the agent has no SVID")?;
    let chain = split_certificates(&svid.x509_svid)?;
    fs::write(file, to_pem(&svid.x509_svid_key, &chain))?;
    Ok(svid.spiffe_id)
}
