//! The agent serves what the CA says stands on its node, no more and no less.

use tonic::Code;

use crate::world::{World, get, next_leaf, registration, until};

#[tokio::test]
async fn a_removed_registration_loses_its_socket_and_its_certificate() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1), registration(2)]);
    let agent = world.agent().await;
    let (mut gone, mut kept) = (world.follow(registration(1).id).await, world.follow(registration(2).id).await);
    next_leaf(&mut gone).await.unwrap();
    next_leaf(&mut kept).await.unwrap();
    let file = world.state().join("workloads").join(format!("{}.pem", registration(1).id));
    assert!(file.exists());

    world.books.registrations.send_replace(vec![registration(2)]);
    let ended = next_leaf(&mut gone).await.unwrap_err();
    assert_eq!(ended.code(), Code::PermissionDenied, "{ended}");
    let directory = world.socket(registration(1).id).parent().unwrap().to_path_buf();
    until("the socket to go", || std::future::ready(!directory.exists() && !file.exists())).await;
    assert!(world.socket(registration(2).id).exists());
    agent.stop().await;
}

#[tokio::test]
async fn a_registration_of_another_node_is_not_believed() {
    let (world, _ca) = World::joined().await;
    let mut foreign = registration(1);
    foreign.node = "n2".parse().unwrap();
    world.books.registrations.send_replace(vec![foreign.clone()]);
    let agent = world.agent().await;
    let refused = r#"ca_requests_total{asked="watch",outcome="failed"}"#;
    until("the message to be refused", || async { get(agent.admin, "/metrics").await.contains(refused) }).await;
    assert!(!world.socket(foreign.id).exists());
    agent.stop().await;
}

#[tokio::test]
async fn the_agent_is_ready_once_every_workload_has_a_certificate() {
    let (world, _ca) = World::joined().await;
    world.books.script(|script| script.refuse = true);
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    assert!(get(agent.admin, "/live").await.contains("200 OK"));
    let waiting = format!("workload {} has no valid certificate", registration(1).id);
    until("the workload to be missed", || async { get(agent.admin, "/ready").await.contains(&waiting) }).await;
    agent.stop().await;

    world.books.script(|script| script.refuse = false);
    let agent = world.agent().await;
    until("the agent to be ready", || async { get(agent.admin, "/ready").await.contains("200 OK") }).await;
    agent.stop().await;
}
