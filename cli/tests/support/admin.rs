//! Prepared answers. What is asked of the node `silent-1` ends with a receipt that is not complete, at `broken-1` it
//! never comes; a policy with a `default-label` is refused.

use std::fmt::Debug;
use std::pin::Pin;

use bulkhead_protocol::v1::admin_server::Admin;
use bulkhead_protocol::v1::*;
use tokio_stream::{Stream, iter};
use tonic::{Request, Response, Status};

use super::ca::Calls;

pub struct MockAdmin {
    pub calls: Calls,
}

impl MockAdmin {
    fn note<T: Debug>(&self, request: Request<T>) -> T {
        let request = request.into_inner();
        self.calls.lock().unwrap().push(format!("{request:?}"));
        request
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Admin for MockAdmin {
    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Answer<ListNodesReply> {
        self.note(request);
        let nodes = ["n1", "silent-1", "broken-1"].map(|name| Node {
            name: name.into(),
            epoch: 1,
            clearance: "restricted:pci".into(),
            state: "admitted".into(),
            serial: vec![0x65; 16],
            expires_millis: EXPIRES,
        });
        Ok(Response::new(ListNodesReply { nodes: nodes.to_vec() }))
    }

    async fn admit_node(&self, request: Request<AdmitNodeRequest>) -> Answer<AdmitNodeReply> {
        self.note(request);
        Ok(Response::new(AdmitNodeReply { expires_millis: EXPIRES }))
    }

    async fn revoke_node(&self, request: Request<RevokeNodeRequest>) -> Answer<Revocation> {
        let RevokeNodeRequest { node, .. } = self.note(request);
        let n = match node.as_str() {
            "n1" => COMPLETE,
            "silent-1" => SILENT,
            "broken-1" => BROKEN,
            _ => return Err(Status::not_found("no node of that name was ever admitted")),
        };
        let position = Some(Position { incarnation: 1, n });
        Ok(Response::new(Revocation { node, epoch: 1, position, committed_millis: EXPIRES - 3_600_000 }))
    }

    type WatchReceiptStream = Pin<Box<dyn Stream<Item = Result<Receipt, Status>> + Send>>;

    async fn watch_receipt(&self, request: Request<WatchReceiptRequest>) -> Answer<Self::WatchReceiptStream> {
        let position = self.note(request).position.unwrap_or_default();
        let receipt = |enforced: u32, complete: bool| Receipt {
            expected: 5,
            enforced,
            elapsed_millis: 41,
            connections_closed: 3,
            silent: if enforced == 5 || !complete { Vec::new() } else { vec![silent()] },
            complete,
        };
        let receipts = match position.n {
            COMPLETE => vec![Ok(receipt(2, false)), Ok(receipt(5, true))],
            SILENT => vec![Ok(receipt(4, true))],
            _ => vec![Err(Status::internal("the receipt is lost"))],
        };
        Ok(Response::new(Box::pin(iter(receipts))))
    }

    async fn create_token(&self, request: Request<CreateTokenRequest>) -> Answer<CreateTokenReply> {
        self.note(request);
        Ok(Response::new(CreateTokenReply { token: "bulkhead-join-v1.c2VjcmV0".into(), expires_millis: EXPIRES }))
    }

    async fn register_workload(&self, request: Request<RegisterWorkloadRequest>) -> Answer<Registration> {
        let RegisterWorkloadRequest { workload, node, label, address, uid, gid } = self.note(request);
        if node != "n1" {
            return Err(Status::not_found("no node of that name was ever admitted"));
        }
        let label = if label.is_empty() { "internal".into() } else { label };
        Ok(Response::new(Registration { id: vec![7; 16], workload, label, node, address, uid, gid }))
    }

    async fn list_workloads(&self, request: Request<ListWorkloadsRequest>) -> Answer<ListWorkloadsReply> {
        self.note(request);
        let registration = Registration {
            id: vec![7; 16],
            workload: "ns/shop/sa/web".into(),
            label: "internal".into(),
            node: "n1".into(),
            address: vec![10, 77, 1, 1],
            uid: 10101,
            gid: 10101,
        };
        let (state, serial) = ("registered".into(), Vec::new());
        let workload = Workload { registration: Some(registration), epoch: 1, state, serial, expires_millis: 0 };
        Ok(Response::new(ListWorkloadsReply { workloads: vec![workload] }))
    }

    async fn remove_workload(&self, request: Request<RemoveWorkloadRequest>) -> Answer<RemoveWorkloadReply> {
        self.note(request);
        Ok(Response::new(RemoveWorkloadReply {}))
    }

    async fn create_service(&self, request: Request<CreateServiceRequest>) -> Answer<ServiceRecord> {
        let CreateServiceRequest { name, address, port, workload, target_port } = self.note(request);
        Ok(Response::new(ServiceRecord { name, address, port, workload, target_port, endpoints: 2 }))
    }

    async fn list_services(&self, request: Request<ListServicesRequest>) -> Answer<ListServicesReply> {
        self.note(request);
        let (name, address, workload) = ("db".into(), vec![10, 77, 200, 1], "ns/shop/sa/db".into());
        let service = ServiceRecord { name, address, port: 80, workload, target_port: 8080, endpoints: 2 };
        Ok(Response::new(ListServicesReply { services: vec![service] }))
    }

    async fn apply_policy(&self, request: Request<ApplyPolicyRequest>) -> Answer<ApplyPolicyReply> {
        if self.note(request).yaml.contains("default-label") {
            return Err(Status::permission_denied("only an owner may loosen\u{1b}[2J the policy\nhint: ask one"));
        }
        Ok(Response::new(ApplyPolicyReply { position: Some(Position { incarnation: 1, n: 7 }) }))
    }

    async fn show_policy(&self, request: Request<ShowPolicyRequest>) -> Answer<ShowPolicyReply> {
        self.note(request);
        let json = r#"{"default":"same-label","mesh-cidrs":["10.77.0.0/16"]}"#.into();
        Ok(Response::new(ShowPolicyReply { json, position: Some(Position { incarnation: 1, n: 7 }) }))
    }

    async fn status(&self, request: Request<StatusRequest>) -> Answer<StatusReply> {
        self.note(request);
        Ok(Response::new(StatusReply {
            trust_domain: "prod.example".into(),
            head: Some(Position { incarnation: 1, n: 9 }),
            nodes: 3,
            workloads: 1,
            watchers: 5,
            version: "0.1.0 (build unset)".into(),
            audit_head: vec![0xab; 32],
            now_millis: EXPIRES,
        }))
    }
}

fn silent() -> Silent {
    Silent { instance: vec![7; 16], id: "ns/pay/sa/ledger".into(), node: "n4".into(), exposed_until_millis: EXPIRES }
}

/// 2026-11-24T18:36:52Z.
const EXPIRES: u64 = 1_795_545_412_000;
const COMPLETE: u64 = 1;
const SILENT: u64 = 2;
const BROKEN: u64 = 3;
