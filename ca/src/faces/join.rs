//! Join: reached by callers without a certificate, as Attest is, and by nobody who has one.

use std::sync::Arc;

use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::join_token::JoinSecret;
use bulkhead_protocol::v1::join_server::Join;
use bulkhead_protocol::v1::{CertificateReply, JoinRequest};
use tonic::{Request, Response, Status};

use super::{answer, certificate_reply, refuse_certificates};
use crate::admission;
use crate::ca::Ca;
use crate::denied::Denied;
use crate::metrics::Call;

/// Serves Join.
#[derive(Clone, Debug)]
pub struct JoinFace(pub Arc<Ca>);

#[tonic::async_trait]
impl Join for JoinFace {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<CertificateReply>, Status> {
        let ca = &self.0;
        answer(ca, Call::Join, async {
            refuse_certificates(&request)?;
            let JoinRequest { secret, csr } = request.into_inner();
            let length = ConvertError::Length { field: "secret", found: secret.len(), expected: "32" };
            let secret = JoinSecret::from_slice(&secret).ok_or(Denied::Convert(length))?;
            Ok(certificate_reply(ca, &admission::join(ca, &secret, csr).await?))
        })
        .await
    }
}
