//! Registrations and services: the first owner of an address keeps it.

use bulkhead_protocol::v1::{CreateServiceRequest, ListServicesRequest, ServiceRecord};
use tonic::{Code, Status};

use crate::story::assert_refused;
use crate::world::World;

const ADDRESS: [u8; 4] = [10, 77, 0, 1];

async fn service(world: &World, name: &str, address: [u8; 4]) -> Result<ServiceRecord, Status> {
    let request = CreateServiceRequest {
        name: name.to_owned(),
        address: address.to_vec(),
        port: 80,
        workload: "ns/shop/sa/web".to_owned(),
        target_port: 8080,
    };
    world.owner().await.create_service(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn the_second_owner_of_an_address_is_refused_by_the_name_of_the_first_until_that_is_removed() {
    let world = World::new().await;
    let _ = (world.node("n1").await, world.node("n2").await);
    let first = world.register("n1", "ns/shop/sa/web", ADDRESS).await;
    let second = || world.register_as("n2", "ns/shop/sa/db", "", ADDRESS);
    assert_refused(second().await, Code::FailedPrecondition, "10.77.0.1 belongs to");
    assert_refused(second().await, Code::FailedPrecondition, "ns/shop/sa/web");
    world.remove(&first).await;
    second().await.unwrap();
}

#[tokio::test]
async fn a_revoked_node_frees_its_addresses() {
    let world = World::new().await;
    let _ = (world.node("n1").await, world.node("n2").await);
    world.register("n1", "ns/shop/sa/web", ADDRESS).await;
    world.revoke("n1").await;
    world.register("n2", "ns/shop/sa/web", ADDRESS).await;
}

#[tokio::test]
async fn a_service_and_a_workload_never_share_an_address() {
    let world = World::new().await;
    world.node("n1").await;
    world.register("n1", "ns/shop/sa/web", ADDRESS).await;
    assert_refused(service(&world, "shop", ADDRESS).await, Code::FailedPrecondition, "10.77.0.1 belongs to");
    service(&world, "shop", [10, 77, 1, 1]).await.unwrap();
    let taken = world.register_as("n1", "ns/shop/sa/web", "", [10, 77, 1, 1]).await;
    assert_refused(taken, Code::FailedPrecondition, "service `shop`");
    assert_refused(service(&world, "shop", [10, 77, 1, 2]).await, Code::FailedPrecondition, "exists already");
    let listed = world.owner().await.list_services(ListServicesRequest {}).await.unwrap().into_inner().services;
    assert_eq!((listed.len(), listed[0].endpoints), (1, 1));
}

#[tokio::test]
async fn nothing_is_registered_on_a_node_that_is_unknown_or_revoked() {
    let world = World::new().await;
    world.node("n1").await;
    world.revoke("n1").await;
    let unknown = world.register_as("n7", "ns/shop/sa/web", "", ADDRESS).await;
    assert_refused(unknown, Code::NotFound, "there is no node `n7`");
    let revoked = world.register_as("n1", "ns/shop/sa/web", "", ADDRESS).await;
    assert_refused(revoked, Code::PermissionDenied, "was revoked at");
}

#[tokio::test]
async fn an_address_has_one_owner_in_both_of_its_spellings() {
    let world = World::new().await;
    world.node("n1").await;
    world.register("n1", "ns/shop/sa/web", ADDRESS).await;
    let mapped = std::net::Ipv4Addr::from(ADDRESS).to_ipv6_mapped().octets().to_vec();
    let request = bulkhead_protocol::v1::RegisterWorkloadRequest {
        workload: "ns/shop/sa/db".to_owned(),
        node: "n1".to_owned(),
        label: String::new(),
        address: mapped,
        uid: 1,
        gid: 1,
    };
    let refused = world.owner().await.register_workload(request).await;
    assert_refused(refused, Code::FailedPrecondition, "10.77.0.1 belongs to");
}
