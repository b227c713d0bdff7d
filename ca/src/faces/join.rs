//! Join: the only face that a caller without a certificate reaches, and the only one that a caller with one does not.

use std::sync::Arc;

use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::join_token::JoinSecret;
use bulkhead_protocol::transport::ConnectedPeer;
use bulkhead_protocol::v1::join_server::Join;
use bulkhead_protocol::v1::{CertificateReply, JoinRequest};
use tonic::{Request, Response, Status};

use super::{answer, certificate_reply};
use crate::admission;
use crate::ca::Ca;
use crate::caller::NotAllowed;
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

/// Whoever has a certificate has joined, is a workload or an operator: none of them has a reason to be here.
fn refuse_certificates<T>(request: &Request<T>) -> Result<(), NotAllowed> {
    let peer = request.extensions().get::<ConnectedPeer>().and_then(|connected| connected.peer.as_ref());
    match peer {
        Some(peer) => Err(NotAllowed::HasCertificate { id: peer.id().clone() }),
        None => Ok(()),
    }
}
