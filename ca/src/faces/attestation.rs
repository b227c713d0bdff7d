//! Attestation: reached without a certificate, as Join is, by whoever has a token of the cluster.

use std::sync::Arc;

use bulkhead_protocol::v1::attestation_server::Attestation;
use bulkhead_protocol::v1::{AttestRequest, CertificateReply};
use tonic::{Request, Response, Status};

use super::{answer, certificate_reply, refuse_certificates};
use crate::attestation;
use crate::ca::Ca;
use crate::metrics::Call;

/// Serves Attestation.
#[derive(Clone, Debug)]
pub struct AttestationFace(pub Arc<Ca>);

#[tonic::async_trait]
impl Attestation for AttestationFace {
    async fn attest(&self, request: Request<AttestRequest>) -> Result<Response<CertificateReply>, Status> {
        let ca = &self.0;
        answer(ca, Call::Attest, async {
            refuse_certificates(&request)?;
            let AttestRequest { token, csr } = request.into_inner();
            Ok(certificate_reply(ca, &attestation::attest(ca, &token, csr).await?))
        })
        .await
    }
}
