//! The calls that every story begins with, and how a refusal is told.

use std::fmt::Debug;

use bulkhead_protocol::join_token::JoinToken;
use bulkhead_protocol::v1::issuance_client::IssuanceClient;
use bulkhead_protocol::v1::{self, CertificateReply, Registration, issue_request};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::people::{Applicant, Identity};
use crate::world::World;

impl World {
    pub(crate) async fn token(&self, node: &str, clearance: &str) -> JoinToken {
        let (node, clearance) = (node.to_owned(), clearance.to_owned());
        let request = v1::CreateTokenRequest { node, clearance, lifetime_seconds: 3600 };
        let created = self.owner().await.create_token(request).await.unwrap().into_inner();
        created.token.parse().unwrap()
    }

    pub(crate) async fn ask_to_join(&self, token: &JoinToken, csr: Vec<u8>) -> Result<CertificateReply, Status> {
        self.ask_to_join_by(token.secret.as_bytes(), csr).await
    }

    pub(crate) async fn ask_to_join_by(&self, secret: &[u8], csr: Vec<u8>) -> Result<CertificateReply, Status> {
        let request = v1::JoinRequest { secret: secret.to_vec(), csr };
        self.stranger().await.join(request).await.map(tonic::Response::into_inner)
    }

    /// A node that may run everything.
    pub(crate) async fn node(&self, name: &str) -> Identity {
        self.node_cleared(name, "restricted").await
    }

    pub(crate) async fn node_cleared(&self, name: &str, clearance: &str) -> Identity {
        let (token, applicant) = (self.token(name, clearance).await, Applicant::new());
        applicant.with(&self.ask_to_join(&token, applicant.csr()).await.unwrap())
    }

    pub(crate) async fn register(&self, node: &str, workload: &str, address: [u8; 4]) -> Registration {
        self.register_as(node, workload, "", address).await.unwrap()
    }

    pub(crate) async fn register_as(
        &self,
        node: &str,
        workload: &str,
        label: &str,
        address: [u8; 4],
    ) -> Result<Registration, Status> {
        let (workload, node, label) = (workload.to_owned(), node.to_owned(), label.to_owned());
        let request =
            v1::RegisterWorkloadRequest { workload, node, label, address: address.to_vec(), uid: 1000, gid: 1000 };
        self.owner().await.register_workload(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn remove(&self, registration: &Registration) {
        let request = v1::RemoveWorkloadRequest { registration: registration.id.clone() };
        self.owner().await.remove_workload(request).await.unwrap();
    }

    pub(crate) async fn issue(&self, node: &Identity, registration: &Registration) -> Result<Identity, Status> {
        issue_over(&mut self.issuance(node).await, &registration.id).await
    }

    /// A registered workload with its certificate.
    pub(crate) async fn workload(&self, node: &Identity, workload: &str, address: [u8; 4]) -> Identity {
        let name = node.leaf().content.node.unwrap().node;
        let registration = self.register(name.as_str(), workload, address).await;
        self.issue(node, &registration).await.unwrap()
    }

    pub(crate) async fn renew(&self, node: &Identity) -> Result<Identity, Status> {
        renew_over(&mut self.issuance(node).await, &Applicant::again(node)).await
    }

    pub(crate) async fn revoke(&self, node: &str) -> v1::Revocation {
        let request = v1::RevokeNodeRequest { node: node.to_owned(), reason: "stolen".to_owned() };
        self.owner().await.revoke_node(request).await.unwrap().into_inner()
    }
}

pub(crate) async fn issue_over(client: &mut IssuanceClient<Channel>, id: &[u8]) -> Result<Identity, Status> {
    let applicant = Applicant::new();
    let evidence = issue_request::Evidence::Agent(v1::AgentEvidence { registration: id.to_vec() });
    let request = v1::IssueRequest { csr: applicant.csr(), evidence: Some(evidence) };
    client.issue(request).await.map(|reply| applicant.with(reply.get_ref()))
}

pub(crate) async fn renew_over(
    client: &mut IssuanceClient<Channel>,
    applicant: &Applicant,
) -> Result<Identity, Status> {
    client.renew(v1::RenewRequest { csr: applicant.csr() }).await.map(|reply| applicant.with(reply.get_ref()))
}

/// That a call was refused with this code and a sentence that says this.
#[track_caller]
pub(crate) fn assert_refused<T: Debug>(answer: Result<T, Status>, code: Code, says: &str) {
    let status = answer.unwrap_err();
    assert!(status.code() == code && status.message().contains(says), "{code:?} with {says:?}, not {status:?}");
}
