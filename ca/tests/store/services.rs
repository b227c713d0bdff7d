//! Services and the directory: what stands at an address, and which addresses have changed.

use bulkhead_ca::store::{PortTarget, ServiceRecord, ServiceRefusal, Standing, StoreError};
use bulkhead_mesh::Endpoint;

use crate::scene::{Scene, address, at, instance, life, registration, service, stolen};

#[tokio::test]
async fn a_service_is_read_back_as_created() {
    let scene = Scene::new().await;
    let db = || service("db", "10.9.0.1", "ns/shop/sa/db");
    scene.write(move |tx| tx.create_service(&db())).await.unwrap();
    assert_eq!(scene.read(|now| now.services()).await, [db()]);
    assert_eq!(scene.read(move |now| now.service(&db().name)).await, Some(db()));
    assert_eq!(scene.read(|now| now.service_at(address("::ffff:10.9.0.1"))).await, Some(db()));
    assert_eq!(scene.write(move |tx| tx.remove_service(&db().name)).await.unwrap(), db());
    assert_eq!(scene.read(|now| now.services()).await, []);
}

#[tokio::test]
async fn names_and_addresses_of_services_have_one_owner() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/db"))?;
            tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))
        })
        .await
        .unwrap();
    for (name, owns, expected) in [
        ("db", "10.9.0.2", "service `db` exists already"),
        ("web", "10.9.0.1", "10.9.0.1 belongs to service `db`"),
        (
            "web",
            "10.1.0.1",
            "10.1.0.1 belongs to `ns/shop/sa/web` on node `n1` (instance 01010101010101010101010101010101)",
        ),
    ] {
        let late = service(name, owns, "ns/shop/sa/web");
        let refused = scene.write(move |tx| tx.create_service(&late)).await.unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}

#[tokio::test]
async fn ports_are_checked() {
    let scene = Scene::new().await;
    let port = |port, target| PortTarget { port, target };
    for ports in [vec![], vec![port(0, 1)], vec![port(1, 0)], vec![port(1, 1), port(1, 2)]] {
        let bad = ServiceRecord { ports, ..service("db", "10.9.0.1", "ns/shop/sa/db") };
        let refused = scene.write(move |tx| tx.create_service(&bad)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Service(ServiceRefusal::Ports { .. })));
    }
}

#[tokio::test]
async fn only_copies_on_served_nodes_answer_for_a_service() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/db"))?;
            tx.insert_registration(&registration(1, "ns/shop/sa/db", "n1", "10.1.0.1"))?;
            tx.insert_registration(&registration(2, "ns/shop/sa/db", "n2", "10.1.0.2"))?;
            tx.insert_registration(&registration(3, "ns/shop/sa/web", "n2", "10.1.0.3"))?;
            tx.quarantine_node(&life("n1").node, at(50), &stolen())
        })
        .await
        .unwrap();
    let Standing::Service(db, endpoints) = scene.read(|now| now.stands_at(address("10.9.0.1"))).await else {
        panic!("the service stands at its address")
    };
    let resolved = db.resolve(&endpoints).unwrap();
    let answering = |port: u16| resolved.port(port).unwrap().endpoints.iter().map(Endpoint::socket_address);
    assert_eq!(answering(80).collect::<Vec<_>>(), ["10.1.0.2:8080".parse().unwrap()]);
    assert_eq!(answering(443).collect::<Vec<_>>(), ["10.1.0.2:8443".parse().unwrap()]);
}

#[tokio::test]
async fn every_change_of_an_address_gives_it_a_greater_version() {
    let scene = Scene::new().await;
    let versions = |scene: &Scene| {
        let read = scene.store.read(|now| {
            Ok::<_, StoreError>((
                now.address_version(address("10.1.0.1"))?,
                now.address_version(address("10.9.0.1"))?,
                now.directory_version()?,
            ))
        });
        async { read.await.unwrap() }
    };
    assert_eq!(versions(&scene).await, (0, 0, 0));
    scene.write(|tx| tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/db"))).await.unwrap();
    assert_eq!(versions(&scene).await, (0, 1, 1));
    // A new copy changes its own address and that of the service for which it answers.
    let db = registration(1, "ns/shop/sa/db", "n1", "10.1.0.1");
    scene.write(move |tx| tx.insert_registration(&db)).await.unwrap();
    assert_eq!(versions(&scene).await, (2, 3, 3));
    scene.write(|tx| tx.quarantine_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    assert_eq!(versions(&scene).await, (4, 5, 5));
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(51), &stolen())).await.unwrap();
    assert_eq!(versions(&scene).await, (6, 7, 7));
    // What is over already changes no more.
    scene.write(|tx| tx.remove_registration(instance(1))).await.unwrap();
    assert_eq!(versions(&scene).await, (6, 7, 7));
    let changed = scene.read(|now| now.addresses_since(5)).await;
    assert_eq!(changed, [(address("10.1.0.1"), 6), (address("10.9.0.1"), 7)]);
}
