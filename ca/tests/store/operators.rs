//! Operators, the CA's time, and the policy's text.

use bulkhead_ca::store::{FactKind, OperatorRecord, OperatorRefusal, PolicyRecord, Role, StoreError};
use bulkhead_mesh::Timestamp;

use crate::scene::{Scene, append, at};

fn operator(name: &str, role: Role) -> OperatorRecord {
    OperatorRecord { name: name.parse().unwrap(), role, added_at: at(5) }
}

#[test]
fn each_role_includes_those_before_it() {
    assert!(Role::Responder < Role::Operator && Role::Operator < Role::Owner);
    assert_eq!("owner".parse(), Ok(Role::Owner));
    assert_eq!("root".parse::<Role>().unwrap_err().to_string(), "`root` is none of: responder, operator, owner");
}

#[tokio::test]
async fn operators_are_kept_by_name() {
    let scene = Scene::empty();
    let ada = || operator("ada", Role::Owner);
    scene.write(move |tx| tx.insert_operator(&ada())).await.unwrap();
    let refused = scene.write(move |tx| tx.insert_operator(&ada())).await.unwrap_err();
    assert!(matches!(refused, StoreError::Operator(OperatorRefusal::Exists { .. })));
    assert_eq!(scene.read(move |now| now.operator(&ada().name)).await, Some(ada()));
    assert_eq!(scene.read(|now| now.operators()).await, [ada()]);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let scene = Scene::empty();
    let ada = || operator("ada", Role::Owner);
    let bob = || operator("bob", Role::Responder);
    scene
        .write(move |tx| {
            tx.insert_operator(&ada())?;
            tx.insert_operator(&bob())
        })
        .await
        .unwrap();
    let refused = scene.write(move |tx| tx.remove_operator(&ada().name)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Operator(OperatorRefusal::LastOwner { .. })));
    assert!(scene.write(move |tx| tx.set_role(&ada().name, Role::Operator)).await.is_err());
    scene.write(move |tx| tx.set_role(&bob().name, Role::Owner)).await.unwrap();
    scene.write(move |tx| tx.remove_operator(&ada().name)).await.unwrap();
    assert_eq!(scene.read(|now| now.operators()).await, [operator("bob", Role::Owner)]);
}

#[tokio::test]
async fn the_time_of_the_ca_never_falls_not_even_by_a_restart() {
    let scene = Scene::empty();
    assert_eq!(scene.write(|tx| tx.now(at(100))).await.unwrap(), at(100));
    assert_eq!(scene.write(|tx| tx.now(at(40))).await.unwrap(), at(100));
    let scene = scene.reopened().await;
    assert_eq!(scene.write(|tx| tx.now(at(40))).await.unwrap(), at(100));
    assert_eq!(scene.write(|tx| tx.now(at(101))).await.unwrap(), at(101));
    assert_eq!(scene.read(|now| now.last_time()).await, at(101));
}

#[tokio::test]
async fn the_end_of_time_is_kept() {
    let scene = Scene::empty();
    scene.write(|tx| tx.now(Timestamp::MAX)).await.unwrap();
    assert_eq!(scene.read(|now| now.last_time()).await, Timestamp::MAX);
}

#[tokio::test]
async fn the_policy_applied_last_is_shown() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(|now| now.policy()).await, None);
    for document in ["first", "second"] {
        scene
            .write(move |tx| {
                let position = append(tx, FactKind::Policy, None)?.position;
                let applied_by = Some("ada".parse().unwrap());
                tx.record_policy(&PolicyRecord { position, document: document.into(), applied_by, applied_at: at(9) })
            })
            .await
            .unwrap();
    }
    let shown = scene.read(|now| now.policy()).await.unwrap();
    assert_eq!((shown.document.as_str(), shown.position.n), ("second", 2));
}
