//! Issue: a node asks for its own workloads, and gets what the records say.

use bulkhead_ca::begin;
use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_identity::{Demand, Limits, Verifier};
use bulkhead_mesh::{Epoch, InstanceId, Serial};
use bulkhead_protocol::v1::{IssueRequest, ListWorkloadsRequest};
use tonic::Code;

use crate::people::Applicant;
use crate::story::assert_refused;
use crate::world::World;

#[tokio::test]
async fn a_registered_workload_gets_a_certificate_that_its_peers_believe() {
    let world = World::new().await;
    let node = world.node_cleared("n1", "restricted:eu,pci").await;
    let registration = world.register_as("n1", "ns/shop/sa/web", "restricted:pci", [10, 77, 0, 1]).await.unwrap();
    let web = world.issue(&node, &registration).await.unwrap();
    let verifier = Verifier {
        bundle: world.ca().authority.bundle(),
        demand: &Demand::workload(),
        truth: &world.ca().known.truth(),
        limits: &Limits::default(),
    };
    let peer = verifier.verify(&web.chain, world.now()).unwrap();
    assert_eq!(peer.id().to_string(), "spiffe://prod.example/ns/shop/sa/web");
    assert_eq!(peer.label().unwrap().to_string(), "restricted:pci");
    let life = peer.node_epoch().unwrap();
    assert_eq!((life.node.as_str(), life.epoch), ("n1", Epoch::FIRST));
    assert_eq!(peer.instance().unwrap().as_bytes().to_vec(), registration.id);
}

#[tokio::test]
async fn a_certificate_that_left_is_on_record_for_another_reader_of_the_file() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let web = world.workload(&node, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    for serial in [node.serial(), web.serial()] {
        assert!(is_on_disk(&world, serial), "{serial}");
    }
    let listed = world.owner().await.list_workloads(ListWorkloadsRequest {}).await.unwrap().into_inner().workloads;
    assert_eq!(listed[0].serial, web.serial().as_bytes());
    assert_eq!(listed[0].state, "issued");
}

#[tokio::test]
async fn what_is_not_registered_on_the_node_is_refused_alike_wherever_it_is() {
    let world = World::new().await;
    let (first, _) = (world.node("n1").await, world.node("n2").await);
    let elsewhere = world.register("n2", "ns/shop/sa/db", [10, 77, 0, 2]).await;
    let removed = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    world.remove(&removed).await;
    let unknown = bulkhead_protocol::v1::Registration { id: vec![9; 16], ..removed.clone() };
    for registration in [elsewhere, removed, unknown] {
        let id = InstanceId::from_bytes(registration.id.clone().try_into().unwrap());
        let says =
            format!("no workload {id} is registered on node `n1`\nhint: `bulkhead workload register` registers it");
        let refused = world.issue(&first, &registration).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::PermissionDenied, says.as_str()));
    }
}

#[tokio::test]
async fn a_label_above_a_clearance_that_was_narrowed_is_refused_with_both() {
    let world = World::new().await;
    world.node_cleared("n1", "restricted").await;
    let registration = world.register_as("n1", "ns/pay/sa/ledger", "restricted", [10, 77, 0, 1]).await.unwrap();
    let narrowed = world.node_cleared("n1", "internal").await;
    let refused = world.issue(&narrowed, &registration).await;
    let says = "label `restricted` is outside the clearance of node `n1`, which is `internal`";
    assert_refused(refused, Code::PermissionDenied, says);
    let another = world.register_as("n1", "ns/pay/sa/ledger", "confidential", [10, 77, 0, 2]).await;
    assert_refused(another, Code::PermissionDenied, "label `confidential` is outside the clearance of node `n1`");
}

#[tokio::test]
async fn a_request_without_evidence_or_for_another_name_is_refused() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let (mut issuance, applicant) = (world.issuance(&node).await, Applicant::new());
    let bare = issuance.issue(IssueRequest { csr: applicant.csr(), evidence: None }).await;
    assert_refused(bare, Code::InvalidArgument, "field `evidence` is missing");
    let agent = bulkhead_protocol::v1::AgentEvidence { registration: registration.id };
    let csr = applicant.csr_with(|asked| {
        let name = "spiffe://prod.example/ns/shop/sa/db".try_into().unwrap();
        asked.subject_alt_names = vec![rcgen::SanType::URI(name)];
    });
    let evidence = Some(bulkhead_protocol::v1::issue_request::Evidence::Agent(agent));
    let head = world.audit_head().await;
    let other = issuance.issue(IssueRequest { csr, evidence }).await;
    assert_refused(other, Code::InvalidArgument, "its sender is `spiffe://prod.example/ns/shop/sa/web`");
    assert_eq!(world.audit_head().await, head);
}

fn is_on_disk(world: &World, serial: Serial) -> bool {
    let file = rusqlite::Connection::open(begin::records(&world.path())).unwrap();
    let count = "SELECT count(*) FROM certificates WHERE serial = ?1";
    file.query_row(count, [serial.as_bytes()], |row| row.get::<_, i64>(0)).unwrap() == 1
}
