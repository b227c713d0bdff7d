//! The gRPC edge of the Workload API: the only file of it that sees protobuf messages.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_daemon::chain;
use bulkhead_identity::TrustBundle;
use bulkhead_protocol::workload_api as api;
use bulkhead_protocol::workload_api::spiffe_workload_api_server::{SpiffeWorkloadApi, SpiffeWorkloadApiServer};
use futures_util::Stream;
use futures_util::stream::unfold;
use rustls_pki_types::CertificateDer;
use tonic::{Request, Response, Status};

use super::{WorkloadApi, caller};
use crate::metrics::OpenStream;
use crate::offer::{Follower, Given, Refusal};

/// One registration's service.
pub(super) struct Service(WorkloadApi);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    pub(super) fn new(api: WorkloadApi) -> Self {
        Self(api)
    }

    pub(super) fn into_server(self, max_request: usize) -> SpiffeWorkloadApiServer<Self> {
        SpiffeWorkloadApiServer::new(self).max_decoding_message_size(max_request)
    }

    /// Admits the caller; what it gets is a follower and the mark that counts its stream.
    fn admit<T>(&self, request: &Request<T>) -> Result<(Follower, OpenStream), Status> {
        caller::check(request.metadata(), request.extensions(), self.0.owner).map_err(|error| {
            self.0.metrics.refused(error.counted());
            tracing::warn!(error = chain(&error), "a call to a workload's socket was refused");
            Status::from(error)
        })?;
        let follower = Follower::new(self.0.offers.clone(), self.0.clock.clone(), self.0.limits.patience);
        Ok((follower, self.0.metrics.open_stream()))
    }
}

#[tonic::async_trait]
impl SpiffeWorkloadApi for Service {
    type FetchX509SVIDStream = Answers<api::X509svidResponse>;
    type FetchX509BundlesStream = Answers<api::X509BundlesResponse>;

    async fn fetch_x509svid(
        &self,
        request: Request<api::X509svidRequest>,
    ) -> Result<Response<Self::FetchX509SVIDStream>, Status> {
        let (follower, open) = self.admit(&request)?;
        Ok(Response::new(Box::pin(unfold(Some((follower, open)), next_svid))))
    }

    async fn fetch_x509_bundles(
        &self,
        request: Request<api::X509BundlesRequest>,
    ) -> Result<Response<Self::FetchX509BundlesStream>, Status> {
        let (follower, open) = self.admit(&request)?;
        Ok(Response::new(Box::pin(unfold(Some((follower, open, None)), next_bundle))))
    }
}

/// A stream that has ended is `None`: its last message was the reason.
type SvidStream = Option<(Follower, OpenStream)>;
type BundleStream = Option<(Follower, OpenStream, Option<Arc<TrustBundle>>)>;

async fn next_svid(stream: SvidStream) -> Option<(Result<api::X509svidResponse, Status>, SvidStream)> {
    let (mut follower, open) = stream?;
    Some(match follower.next().await {
        Ok(given) => (Ok(svid_response(&given)), Some((follower, open))),
        Err(refusal) => (Err(status(refusal)), None),
    })
}

async fn next_bundle(stream: BundleStream) -> Option<(Result<api::X509BundlesResponse, Status>, BundleStream)> {
    let (mut follower, open, given) = stream?;
    Some(match follower.next_bundle(given.as_ref()).await {
        Ok(bundle) => (Ok(bundles_response(&bundle)), Some((follower, open, Some(bundle)))),
        Err(refusal) => (Err(status(refusal)), None),
    })
}

fn svid_response(Given { svid, bundle }: &Given) -> api::X509svidResponse {
    let message = api::X509svid {
        spiffe_id: svid.leaf().id.to_string(),
        x509_svid: concatenated(svid.chain()),
        x509_svid_key: svid.key().as_pkcs8().to_vec(),
        bundle: concatenated(bundle.roots()),
        hint: String::new(),
    };
    api::X509svidResponse { svids: vec![message], crl: Vec::new(), federated_bundles: HashMap::new() }
}

fn bundles_response(bundle: &TrustBundle) -> api::X509BundlesResponse {
    let bundles = HashMap::from([(format!("spiffe://{}", bundle.trust_domain()), concatenated(bundle.roots()))]);
    api::X509BundlesResponse { crl: Vec::new(), bundles }
}

fn concatenated(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    certificates.iter().flat_map(|certificate| certificate.iter().copied()).collect()
}

/// SPIFFE Workload Endpoint, appendix A: `PermissionDenied` takes the identity away, `Unavailable` asks to come again.
fn status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Removed | Refusal::Expired(_) => Status::permission_denied(refusal.to_string()),
        Refusal::Stopping | Refusal::NotYet => Status::unavailable(refusal.to_string()),
    }
}
