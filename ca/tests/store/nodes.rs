//! Nodes: who comes in, who never comes back, and whose identity two machines hold.

use bulkhead_ca::store::{Admission, NodeRefusal, NodeState, Presented, StoreError};
use bulkhead_mesh::{Epoch, NodeEpoch};

use crate::scene::{Scene, admission, admit, at, clearance, key, life, serial, stolen};

#[tokio::test]
async fn a_new_name_begins_in_epoch_1_and_is_read_back_as_written() {
    let scene = Scene::empty();
    let written = scene.write(|tx| admit(tx, "n1")).await.unwrap();
    assert_eq!(written.life, life("n1"));
    assert_eq!(scene.read(|now| now.node(&life("n1").node)).await, Some(written.clone()));
    assert_eq!(scene.read(|now| now.nodes()).await, [written]);
}

#[tokio::test]
async fn an_admitted_name_with_another_key_comes_in_only_by_a_fresh_token() {
    let scene = Scene::new().await;
    let refused = scene.write(|tx| tx.admit(&admission("n1", key(2)))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::OtherKey { .. })));

    let vouched =
        Admission { may_rekey: true, clearance: clearance("public"), is_ordered: false, ..admission("n1", key(2)) };
    let node = scene.write(move |tx| tx.admit(&vouched)).await.unwrap();
    assert_eq!(scene.read(|now| now.node(&life("n1").node)).await, Some(node.clone()));
    assert!(!node.is_ordered);
    assert_eq!((node.life, node.key, node.clearance), (life("n1"), key(2), clearance("public")));
}

#[tokio::test]
async fn the_same_key_again_changes_nothing() {
    let scene = Scene::new().await;
    let before = scene.read(|now| now.node(&life("n1").node)).await.unwrap();
    let again = Admission { may_rekey: true, clearance: clearance("restricted"), ..admission("n1", key(1)) };
    assert_eq!(scene.write(move |tx| tx.admit(&again)).await.unwrap(), before);
}

#[tokio::test]
async fn a_revoked_name_never_comes_back_by_itself() {
    let scene = Scene::new().await;
    let node = scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    assert_eq!(node.state, NodeState::Revoked { at: at(50), reason: stolen() });
    let scene = scene.reopened().await;
    for may_rekey in [false, true] {
        let again = Admission { may_rekey, ..admission("n1", key(7)) };
        let refused = scene.write(move |tx| tx.admit(&again)).await.unwrap_err();
        let because = NodeRefusal::Revoked { life: life("n1"), at: at(50), reason: stolen() };
        assert!(matches!(refused, StoreError::Node(refusal) if refusal == because));
    }
}

#[tokio::test]
async fn a_second_revocation_says_when_and_why_the_first_was() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    let refused = scene.write(|tx| tx.revoke_node(&life("n1").node, at(60), &stolen())).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("node `n1/1` was revoked at {}: stolen", at(50)));
    assert!(matches!(
        scene.write(|tx| tx.revoke_node(&life("n9").node, at(60), &stolen())).await,
        Err(StoreError::Node(NodeRefusal::Unknown { .. }))
    ));
}

#[tokio::test]
async fn only_the_present_life_of_an_admitted_node_is_served() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(|now| now.admitted_node(&life("n1"))).await.life, life("n1"));
    let later = NodeEpoch { epoch: Epoch::new(2), ..life("n1") };
    let refused = scene.write(move |tx| tx.admitted_node(&later)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::OtherEpoch { .. })));
}

#[tokio::test]
async fn quarantine_ends_by_a_release_or_by_a_revocation() {
    let scene = Scene::new().await;
    let name = || life("n1").node;
    scene.write(move |tx| tx.quarantine_node(&name(), at(40), &stolen())).await.unwrap();
    let refused = scene.write(|tx| tx.admitted_node(&life("n1"))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::Quarantined { .. })));
    scene.write(move |tx| tx.release_node(&name())).await.unwrap();
    scene.write(|tx| tx.admitted_node(&life("n1"))).await.unwrap();
    assert!(scene.write(move |tx| tx.release_node(&name())).await.is_err());

    scene.write(move |tx| tx.quarantine_node(&name(), at(41), &stolen())).await.unwrap();
    scene.write(move |tx| tx.revoke_node(&name(), at(42), &stolen())).await.unwrap();
    assert!(scene.write(move |tx| tx.release_node(&name())).await.is_err());
    assert!(scene.write(move |tx| tx.quarantine_node(&name(), at(43), &stolen())).await.is_err());
}

#[tokio::test]
async fn a_superseded_certificate_is_noticed() {
    let scene = Scene::new().await;
    let presented = |number| move |tx: &mut bulkhead_ca::store::Tx<'_>| tx.note_presented(&life("n1"), serial(number));
    let issue = |number| move |tx: &mut bulkhead_ca::store::Tx<'_>| tx.note_issued(&life("n1"), serial(number), key(1));
    scene.write(issue(1)).await.unwrap();
    assert_eq!(scene.write(presented(1)).await.unwrap(), Presented::Next);
    assert_eq!(scene.write(presented(1)).await.unwrap(), Presented::Current);
    // A renewal whose reply is lost is asked for again with the certificate that is still current.
    scene.write(issue(2)).await.unwrap();
    assert_eq!(scene.write(presented(1)).await.unwrap(), Presented::Current);
    scene.write(issue(3)).await.unwrap();
    assert_eq!(scene.write(presented(3)).await.unwrap(), Presented::Next);
    // Whoever still uses the old one has a copy.
    assert_eq!(scene.write(presented(1)).await.unwrap(), Presented::Superseded);
    assert_eq!(scene.write(presented(2)).await.unwrap(), Presented::Superseded);
}
