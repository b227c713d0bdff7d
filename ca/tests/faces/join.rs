//! Join: a token, a key, and nothing on the disk for those who have no token.

use std::time::Duration;

use bulkhead_ca::audit::Action;
use rcgen::{BasicConstraints, CertificateParams, IsCa, SanType};
use tonic::Code;

use crate::people::Applicant;
use crate::story::assert_refused;
use crate::world::World;

#[tokio::test]
async fn a_token_admits_one_key_which_may_ask_again() {
    let world = World::new().await;
    let (token, applicant) = (world.token("n1", "restricted").await, Applicant::new());
    let first = applicant.with(&world.ask_to_join(&token, applicant.csr()).await.unwrap());
    let second = applicant.with(&world.ask_to_join(&token, applicant.csr()).await.unwrap());
    assert_eq!(first.leaf().content, second.leaf().content);
    assert_ne!(first.serial(), second.serial());
    let other = world.ask_to_join(&token, Applicant::new().csr()).await;
    assert_refused(other, Code::PermissionDenied, "the token for node `n1` was used with another key");
}

#[tokio::test]
async fn a_refused_join_leaves_nothing_on_the_disk_and_is_counted() {
    let world = World::new().await;
    let (token, applicant) = (world.token("n1", "restricted").await, Applicant::new());
    let head = world.audit_head().await;
    let secret = token.secret.as_bytes().to_vec();
    let mut damaged = applicant.csr();
    *damaged.last_mut().unwrap() ^= 1;
    let refusals = [
        (vec![1; 32], applicant.csr(), Code::PermissionDenied, "no token has this secret"),
        (secret[..31].to_vec(), applicant.csr(), Code::InvalidArgument, "`secret` has 31 bytes instead of 32"),
        (secret.clone(), applicant.csr_with(another_name), Code::InvalidArgument, "its sender is"),
        (
            secret.clone(),
            applicant.csr_with(authority),
            Code::InvalidArgument,
            "asks to become a certificate authority",
        ),
        (secret.clone(), damaged, Code::InvalidArgument, "not signed by the key that it carries"),
        (secret.clone(), b"no request".to_vec(), Code::InvalidArgument, "not PKCS#10"),
    ];
    for (count, (secret, csr, code, says)) in (1..).zip(refusals) {
        assert_refused(world.ask_to_join_by(&secret, csr).await, code, says);
        let counted = format!(r#"bulkhead_ca_calls_total{{call="join",outcome="refused"}} {count}"#);
        assert!(world.ca().metrics.encode().contains(&counted), "{counted}");
    }
    assert_eq!(world.audit_head().await, head);
    assert!(world.ca().store.read(|now| now.nodes()).await.unwrap().is_empty());
    world.ask_to_join(&token, applicant.csr()).await.unwrap();
}

#[tokio::test]
async fn an_expired_token_admits_nobody_not_even_its_user() {
    let world = World::new().await;
    let (token, applicant) = (world.token("n1", "restricted").await, Applicant::new());
    world.ask_to_join(&token, applicant.csr()).await.unwrap();
    world.advance(Duration::from_hours(1)).await;
    let head = world.audit_head().await;
    let again = world.ask_to_join(&token, applicant.csr()).await;
    assert_refused(again, Code::PermissionDenied, "the token for node `n1` expired at");
    assert_eq!(world.audit_head().await, head);
}

#[tokio::test]
async fn each_admission_is_one_record_of_the_audit_log() {
    let world = World::new().await;
    let (token, applicant) = (world.token("n1", "restricted").await, Applicant::new());
    let before = world.audit_head().await.n;
    let node = applicant.with(&world.ask_to_join(&token, applicant.csr()).await.unwrap());
    let records = world.ca().store.read(move |now| now.audit_since(before, 10)).await.unwrap();
    let [admitted] = &records[..] else { panic!("{records:?}") };
    assert_eq!(admitted.record.action, Action::AdmitNode);
    assert!(admitted.record.detail.contains(&node.serial().to_string()), "{:?}", admitted.record);
}

#[tokio::test]
async fn a_revoked_name_never_joins_again() {
    let world = World::new().await;
    world.node("n1").await;
    world.revoke("n1").await;
    let again = world.ask_to_join(&world.token("n1", "restricted").await, Applicant::new().csr()).await;
    assert_refused(again, Code::PermissionDenied, "was revoked at");
}

#[tokio::test]
async fn a_token_for_a_level_that_the_mesh_has_not_is_not_made() {
    let world = World::new().await;
    let request = bulkhead_protocol::v1::CreateTokenRequest {
        node: "n1".to_owned(),
        clearance: "cosmic".to_owned(),
        lifetime_seconds: 3600,
    };
    let refused = world.owner().await.create_token(request).await;
    assert_refused(refused, Code::InvalidArgument, "this mesh has no level `cosmic`");
}

fn another_name(asked: &mut CertificateParams) {
    asked.subject_alt_names = vec![SanType::URI("spiffe://prod.example/node/n2".try_into().unwrap())];
}

fn authority(asked: &mut CertificateParams) {
    asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}
