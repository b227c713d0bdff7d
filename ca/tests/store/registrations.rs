//! Registrations: first owner wins, and a node's end is the end of what stands on it.

use bulkhead_ca::store::{AddressOwner, NodeRefusal, RegistrationRefusal, RegistrationState, Standing, StoreError};

use crate::scene::{Scene, address, at, instance, life, registration, service, stolen};

#[tokio::test]
async fn a_registration_is_found_by_id_node_and_address() {
    let scene = Scene::new().await;
    let web = registration(1, "ns/shop/sa/web", "n1", "10.1.0.1");
    let kept = web.clone();
    scene.write(move |tx| tx.insert_registration(&kept)).await.unwrap();
    assert_eq!(scene.read(|now| now.registration(instance(1))).await, Some(web.clone()));
    assert_eq!(scene.read(|now| now.registration_at(address("10.1.0.1"))).await, Some(web.clone()));
    assert_eq!(scene.read(|now| now.registrations_on(&life("n1").node)).await, std::slice::from_ref(&web));
    assert_eq!(scene.read(|now| now.registrations_on(&life("n2").node)).await, []);
    assert_eq!(scene.read(|now| now.registrations()).await, [web]);
}

#[tokio::test]
async fn the_first_owner_keeps_the_address_and_is_named() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))).await.unwrap();
    // An IPv4 address written as IPv6 is the same address.
    for second in ["10.1.0.1", "::ffff:10.1.0.1"] {
        let late = registration(2, "ns/shop/sa/db", "n2", second);
        let refused = scene.write(move |tx| tx.insert_registration(&late)).await.unwrap_err();
        let StoreError::Registration(RegistrationRefusal::AddressTaken { owner, .. }) = refused else {
            panic!("{refused}")
        };
        let (workload, node) = ("ns/shop/sa/web".parse().unwrap(), life("n1").node);
        assert_eq!(owner, AddressOwner::Workload { workload, node, instance: instance(1) });
    }
}

#[tokio::test]
async fn a_workload_cannot_take_the_address_of_a_service() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/db"))).await.unwrap();
    let late = registration(1, "ns/shop/sa/web", "n1", "10.9.0.1");
    let refused = scene.write(move |tx| tx.insert_registration(&late)).await.unwrap_err();
    assert_eq!(refused.to_string(), "10.9.0.1 belongs to service `db`");
}

#[tokio::test]
async fn a_node_that_is_not_served_gets_no_registration() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    for (node, unknown) in [("n1", false), ("n9", true)] {
        let web = registration(1, "ns/shop/sa/web", node, "10.1.0.1");
        let refused = scene.write(move |tx| tx.insert_registration(&web)).await.unwrap_err();
        let StoreError::Node(refusal) = refused else { panic!("{refused}") };
        assert_eq!(matches!(refusal, NodeRefusal::Unknown { .. }), unknown, "{refusal}");
    }
}

#[tokio::test]
async fn an_id_is_used_once() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))).await.unwrap();
    let twin = registration(1, "ns/shop/sa/web", "n1", "10.1.0.2");
    let refused = scene.write(move |tx| tx.insert_registration(&twin)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Registration(RegistrationRefusal::Exists { .. })));
}

#[tokio::test]
async fn a_removed_registration_frees_its_address() {
    let scene = Scene::new().await;
    let web = || registration(1, "ns/shop/sa/web", "n1", "10.1.0.1");
    scene.write(move |tx| tx.insert_registration(&web())).await.unwrap();
    assert_eq!(scene.write(|tx| tx.remove_registration(instance(1))).await.unwrap(), web());
    let refused = scene.write(|tx| tx.remove_registration(instance(1))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Registration(RegistrationRefusal::Unknown { .. })));
    let next = registration(2, "ns/shop/sa/db", "n2", "10.1.0.1");
    scene.write(move |tx| tx.insert_registration(&next)).await.unwrap();
}

#[tokio::test]
async fn a_revocation_ends_what_stands_on_the_node_and_nothing_else() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))?;
            tx.insert_registration(&registration(2, "ns/shop/sa/web", "n2", "10.1.0.2"))?;
            tx.revoke_node(&life("n1").node, at(50), &stolen())
        })
        .await
        .unwrap();
    let living = scene.read(|now| now.living_instances()).await;
    assert_eq!(living, [registration(2, "ns/shop/sa/web", "n2", "10.1.0.2")]);
    let ended = scene.read(|now| now.registration(instance(1))).await.unwrap();
    assert_eq!(ended.state, RegistrationState::Revoked { at: at(50) });
    assert_eq!(scene.read(|now| now.stands_at(address("10.1.0.1"))).await, Standing::Nothing);
    let next = registration(3, "ns/shop/sa/api", "n2", "10.1.0.1");
    scene.write(move |tx| tx.insert_registration(&next)).await.unwrap();
}

#[tokio::test]
async fn a_quarantined_nodes_instances_do_not_live_but_keep_their_addresses() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))?;
            tx.quarantine_node(&life("n1").node, at(50), &stolen())
        })
        .await
        .unwrap();
    assert_eq!(scene.read(|now| now.living_instances()).await, []);
    let late = registration(2, "ns/shop/sa/db", "n2", "10.1.0.1");
    assert!(scene.write(move |tx| tx.insert_registration(&late)).await.is_err());
}
