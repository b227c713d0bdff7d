//! Certificates are renewed when a third of their life has passed, the node's and the workloads'.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bulkhead_agent::leaf::Leaf;
use tonic::Code;

use crate::world::{World, get, next_leaf, registration, until};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_client_that_stays_gets_each_renewed_certificate() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    let first = next_leaf(&mut stream).await.unwrap();
    // A third of an hour, and the twelfth that the dice may add.
    world.clock.advance(HOUR / 3 + HOUR / 12);
    let second = next_leaf(&mut stream).await.unwrap();
    assert_ne!(first, second);
    agent.stop().await;
}

#[tokio::test]
async fn the_nodes_certificate_is_renewed_and_the_new_one_survives_a_restart() {
    let (world, _ca) = World::joined().await;
    let before = std::fs::read(world.state().join("node.pem")).unwrap();
    let agent = world.agent().await;
    let week = Duration::from_hours(24 * 7);
    world.clock.advance(week / 3 + week / 12);
    until("the renewal", || std::future::ready(world.books.renewed.load(Ordering::Relaxed) == 1)).await;
    until("the new file", || std::future::ready(std::fs::read(world.state().join("node.pem")).unwrap() != before))
        .await;
    agent.stop().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    next_leaf(&mut world.follow(registration(1).id).await).await.unwrap();
    assert_eq!(world.books.renewed.load(Ordering::Relaxed), 1);
    agent.stop().await;
}

#[tokio::test]
async fn a_node_whose_certificate_has_ended_still_renews() {
    let (world, _ca) = World::joined().await;
    world.clock.advance(Duration::from_hours(24 * 8));
    let agent = world.agent().await;
    until("the renewal", || async { get(agent.admin, "/ready").await.contains("200 OK") }).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_revoked_node_serves_what_it_has_until_it_ends() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    let held = next_leaf(&mut stream).await.unwrap();
    world.books.script(|script| script.refuse = true);
    world.clock.advance(HOUR / 2);
    let refused = r#"ca_requests_total{asked="issue",outcome="refused"} 1"#;
    until("the refusal to be counted", || async { get(agent.admin, "/metrics").await.contains(refused) }).await;

    let not_after = certificate(&held).not_after;
    world.clock.set(not_after);
    assert_eq!(next_leaf(&mut world.follow(registration(1).id).await).await.unwrap(), held);
    world.clock.advance(Duration::from_millis(1));
    let ended = next_leaf(&mut stream).await.unwrap_err();
    assert_eq!(ended.code(), Code::PermissionDenied, "{ended}");
    agent.stop().await;
}

/// The first certificate of a chain in concatenated DER.
pub fn certificate(chain: &[u8]) -> Leaf {
    let length = 4 + usize::from(u16::from_be_bytes([chain[2], chain[3]]));
    Leaf::read(&chain[..length]).unwrap()
}
