//! Issuance: what a node asks for, for its workloads and for itself.

use std::sync::Arc;

use bulkhead_mesh::InstanceId;
use bulkhead_protocol::convert::{ConvertError, read_bytes};
use bulkhead_protocol::v1::issuance_server::Issuance;
use bulkhead_protocol::v1::{CertificateReply, IssueRequest, RenewRequest, issue_request};
use tonic::{Request, Response, Status};

use super::{answer, certificate_reply};
use crate::ca::Ca;
use crate::caller::{Caller, Node, RenewingNode};
use crate::denied::Denied;
use crate::evidence::Evidence;
use crate::issuance;
use crate::metrics::Call;

/// Serves Issuance, behind the layer for [`RenewingNode`]; `issue` asks for more than that.
#[derive(Clone, Debug)]
pub struct IssuanceFace(pub Arc<Ca>);

#[tonic::async_trait]
impl Issuance for IssuanceFace {
    async fn issue(&self, request: Request<IssueRequest>) -> Result<Response<CertificateReply>, Status> {
        let by = Caller::<RenewingNode>::of(&request)?;
        let ca = &self.0;
        answer(ca, Call::Issue, async {
            let by = Caller::<Node>::try_from(by)?;
            let IssueRequest { csr, evidence } = request.into_inner();
            Ok(certificate_reply(ca, &issuance::issue(ca, by, read_evidence(evidence)?, csr).await?))
        })
        .await
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<CertificateReply>, Status> {
        let by = Caller::<RenewingNode>::of(&request)?;
        let ca = &self.0;
        answer(ca, Call::Renew, async {
            Ok(certificate_reply(ca, &issuance::renew(ca, by, request.into_inner().csr).await?))
        })
        .await
    }
}

fn read_evidence(evidence: Option<issue_request::Evidence>) -> Result<Evidence, Denied> {
    match evidence {
        Some(issue_request::Evidence::Agent(agent)) => {
            let registration = InstanceId::from_bytes(read_bytes("evidence.agent.registration", &agent.registration)?);
            Ok(Evidence::Agent { registration })
        }
        None => Err(ConvertError::Missing { field: "evidence" }.into()),
    }
}
