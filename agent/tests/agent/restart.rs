//! A restart without the CA goes on with what is on the disk, and brings nothing back.

use std::time::Duration;

use tonic::Code;

use crate::renewal::certificate;
use crate::world::{World, next_leaf, registration};

#[tokio::test]
async fn a_restart_without_the_ca_serves_until_the_certificate_ends_and_not_a_moment_longer() {
    let (world, ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let held = next_leaf(&mut world.follow(registration(1).id).await).await.unwrap();
    agent.stop().await;
    ca.stop().await;

    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    assert_eq!(next_leaf(&mut stream).await.unwrap(), held);
    world.clock.set(certificate(&held).not_after);
    assert_eq!(next_leaf(&mut world.follow(registration(1).id).await).await.unwrap(), held, "at its last moment");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(next_leaf(&mut stream).await.unwrap_err().code(), Code::PermissionDenied);
    let mut late = world.follow(registration(1).id).await;
    world.clock.advance(world.limits.patience);
    assert_eq!(next_leaf(&mut late).await.unwrap_err().code(), Code::PermissionDenied);
    agent.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_the_directory_that_a_workload_has_bound() {
    use std::os::unix::fs::MetadataExt as _;
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let inode = || std::fs::metadata(world.socket(registration(1).id).parent().unwrap()).unwrap().ino();
    let agent = world.agent().await;
    next_leaf(&mut world.follow(registration(1).id).await).await.unwrap();
    let before = inode();
    agent.stop().await;
    let agent = world.agent().await;
    next_leaf(&mut world.follow(registration(1).id).await).await.unwrap();
    assert_eq!(inode(), before);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_stops_tells_its_clients_to_come_again() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    next_leaf(&mut stream).await.unwrap();
    agent.stop().await;
    assert_eq!(next_leaf(&mut stream).await.unwrap_err().code(), Code::Unavailable);
}
