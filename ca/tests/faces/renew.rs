//! Renew: a node goes on under its name, late if it must, and a copy of it gives itself away.

use std::time::Duration;

use bulkhead_protocol::transport::ConnectError;
use tonic::Code;

use crate::people::Applicant;
use crate::story::{assert_refused, issue_over, renew_over};
use crate::watcher::Watcher;
use crate::world::{GRACE, NODE_LIFETIME, World};

#[tokio::test]
async fn a_node_renews_under_its_name_with_its_key_or_with_a_new_one() {
    let world = World::new().await;
    let first = world.node("n1").await;
    let same_key = world.renew(&first).await.unwrap();
    let mut issuance = world.issuance(&same_key).await;
    let new_key = renew_over(&mut issuance, &Applicant::new()).await.unwrap();
    for next in [&same_key, &new_key] {
        assert_eq!(next.leaf().content, first.leaf().content);
        assert_ne!(next.serial(), first.serial());
    }
    assert_eq!(same_key.leaf().key, first.leaf().key);
    assert_ne!(new_key.leaf().key, first.leaf().key);
    world.renew(&new_key).await.unwrap();
}

#[tokio::test]
async fn a_reply_that_was_lost_may_be_asked_for_again() {
    let world = World::new().await;
    let first = world.node("n1").await;
    let lost = world.renew(&first).await.unwrap();
    let second = world.renew(&first).await.unwrap();
    assert_ne!(lost.serial(), second.serial());
    world.renew(&second).await.unwrap();
}

#[tokio::test]
async fn a_node_that_is_late_may_renew_and_nothing_else() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let web = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    world.advance(NODE_LIFETIME + Duration::from_hours(1)).await;
    assert_refused(world.issue(&node, &web).await, Code::PermissionDenied, "it may renew, and nothing else");
    let watching = Watcher::open(world.channel(&node).await).await.map(drop);
    assert_refused(watching, Code::PermissionDenied, "it may renew, and nothing else");
    let renewed = world.renew(&node).await.unwrap();
    world.issue(&renewed, &web).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_ends_under_an_open_connection_is_late_there_too() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let web = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let mut issuance = world.issuance(&node).await;
    issue_over(&mut issuance, &web.id).await.unwrap();
    world.advance(NODE_LIFETIME + Duration::from_hours(1)).await;
    let refused = issue_over(&mut issuance, &web.id).await;
    assert_refused(refused, Code::PermissionDenied, "it may renew, and nothing else");
    renew_over(&mut issuance, &Applicant::again(&node)).await.unwrap();
    world.advance(GRACE).await;
    let refused = renew_over(&mut issuance, &Applicant::again(&node)).await;
    assert_refused(refused, Code::PermissionDenied, "is not accepted any more");
}

#[tokio::test]
async fn after_the_grace_a_node_does_not_get_past_the_handshake() {
    let world = World::new().await;
    let node = world.node("n1").await;
    world.advance(NODE_LIFETIME + GRACE + Duration::from_secs(1)).await;
    let refused = world.connect(Some(&node)).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_copy_that_renews_after_the_node_quarantines_both_of_them() {
    let world = World::new().await;
    let stolen = world.node("n1").await;
    let web = world.workload(&stolen, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let next = world.renew(&stolen).await.unwrap();
    let latest = world.renew(&next).await.unwrap();
    let (mut of_node, _) = Watcher::settled(&world, &next).await;
    let (mut of_workload, _) = Watcher::settled(&world, &web).await;
    assert_refused(world.renew(&stolen).await, Code::PermissionDenied, "two machines hold its identity");
    for identity in [&stolen, &next, &latest] {
        assert_refused(world.renew(identity).await, Code::PermissionDenied, "has been in quarantine since");
    }
    for watcher in [&mut of_node, &mut of_workload] {
        assert_refused(Err::<(), _>(watcher.ended().await), Code::PermissionDenied, "has been in quarantine since");
    }
    let again = Watcher::open(world.channel(&web).await).await.map(drop);
    assert_refused(again, Code::PermissionDenied, "has been in quarantine since");
}
