//! Revoke: one transaction, and from its commit on the CA refuses the node everything, on every connection.

use bulkhead_ca::audit::Action;
use bulkhead_ca::store::{NodeState, Role, StoreError};
use bulkhead_mesh::{Cutoff, Epoch, Subject};
use bulkhead_protocol::feed::Statement;
use bulkhead_protocol::transport::ConnectError;
use bulkhead_protocol::v1::{self, RevokeNodeRequest};
use tonic::Code;

use crate::people::Applicant;
use crate::story::{assert_refused, issue_over, renew_over};
use crate::watcher::Watcher;
use crate::world::World;

#[tokio::test]
async fn a_revocation_is_one_transaction_of_state_fact_and_audit_record() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let before = (world.audit_head().await.n, world.ca().fanout.head());
    let revoked = world.revoke("n1").await;
    let records = world
        .ca()
        .store
        .read(move |now| {
            let (audited, facts) = (now.audit_since(before.0, 10)?, now.facts_since(stored(before.1))?);
            Ok::<_, StoreError>((now.node(&"n1".parse().unwrap())?.unwrap(), audited, facts.unwrap()))
        })
        .await
        .unwrap();
    let (record, audited, facts) = records;
    assert!(matches!(record.state, NodeState::Revoked { .. }));
    assert_eq!(audited.iter().map(|record| record.record.action).collect::<Vec<_>>(), [Action::RevokeNode]);
    let fact = world.ca().fanout.read(facts.into_iter().next().unwrap()).unwrap();
    let subject = Subject::Node { node: "n1".parse().unwrap(), epoch: Epoch::FIRST };
    let bound = node.leaf().not_after;
    assert_eq!(fact, Statement::Cutoff(Cutoff { subject, reason: "stolen".parse().unwrap(), bound }));
    assert_eq!(revoked.position, Some(world.ca().fanout.head().into()));
    assert_eq!(before.1.next(), Some(world.ca().fanout.head()));
}

#[tokio::test]
async fn connections_that_stood_at_the_revocation_are_good_for_nothing_any_more() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let web = world.issue(&node, &registration).await.unwrap();
    let mut issuance = world.issuance(&node).await;
    let (of_node, of_workload) = (world.channel(&node).await, world.channel(&web).await);
    let (mut node_watches, _) = Watcher::settled(&world, &node).await;
    let (mut workload_watches, _) = Watcher::settled(&world, &web).await;
    world.revoke("n1").await;
    assert_refused(
        issue_over(&mut issuance, &registration.id).await,
        Code::PermissionDenied,
        "is not accepted any more",
    );
    let renewed = renew_over(&mut issuance, &Applicant::again(&node)).await;
    assert_refused(renewed, Code::PermissionDenied, "is not accepted any more");
    for channel in [of_node, of_workload] {
        let watched = Watcher::open(channel).await.map(drop);
        assert_refused(watched, Code::PermissionDenied, "is not accepted any more");
    }
    for watcher in [&mut node_watches, &mut workload_watches] {
        assert_eq!(watcher.ended().await.code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn new_connections_of_the_node_and_its_workloads_do_not_get_past_the_handshake() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let web = world.workload(&node, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    world.revoke("n1").await;
    for identity in [&node, &web] {
        let refused = world.connect(Some(identity)).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused { .. }), "{refused:?}");
    }
    assert_eq!(world.ca().metrics.refused_handshakes.get(), 2);
}

#[tokio::test]
async fn the_same_account_on_another_node_goes_on() {
    let world = World::new().await;
    let (first, second) = (world.node("n1").await, world.node("n2").await);
    world.workload(&first, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let registration = world.register("n2", "ns/shop/sa/web", [10, 77, 0, 2]).await;
    let other = world.issue(&second, &registration).await.unwrap();
    let (mut watcher, _) = Watcher::settled(&world, &other).await;
    world.revoke("n1").await;
    watcher.fact().await;
    world.issue(&second, &registration).await.unwrap();
    world.renew(&second).await.unwrap();
}

#[tokio::test]
async fn a_second_revocation_and_one_of_nobody_are_refused() {
    let world = World::new().await;
    world.node("n1").await;
    world.revoke("n1").await;
    let head = world.audit_head().await;
    let mut owner = world.owner().await;
    let mut revoke = async |node: &str| owner.revoke_node(request(node)).await;
    assert_refused(revoke("n1").await, Code::PermissionDenied, "was revoked at");
    assert_refused(revoke("n7").await, Code::NotFound, "there is no node `n7`");
    assert_refused(revoke("No Name").await, Code::InvalidArgument, "field `node`");
    assert_eq!(world.audit_head().await, head);
}

#[tokio::test]
async fn a_responder_revokes_at_once() {
    let world = World::new().await;
    world.node("n1").await;
    let robot = world.add_operator("robot", Role::Responder).await;
    world.admin(&robot).await.revoke_node(request("n1")).await.unwrap();
}

fn request(node: &str) -> RevokeNodeRequest {
    RevokeNodeRequest { node: node.to_owned(), reason: "stolen".to_owned() }
}

fn stored(position: bulkhead_protocol::feed::Position) -> bulkhead_ca::store::Position {
    let v1::Position { incarnation, n } = position.into();
    bulkhead_ca::store::Position { incarnation, n }
}
