//! A token becomes an identity, once.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bulkhead_agent::join::JoinError;
use bulkhead_agent::state::StateDirectory;
use bulkhead_identity::Clock as _;

use crate::fake_ca::FakeCa;
use crate::world::World;

#[tokio::test]
async fn what_join_gives_is_on_the_disk_for_its_owner_alone() {
    let (world, _ca) = World::joined().await;
    let state = StateDirectory::open(&world.state()).unwrap();
    assert_eq!(state.node().unwrap().unwrap().chain.len(), 2);
    assert_eq!(state.membership().unwrap().unwrap().node.as_str(), "n1");
    for name in ["node.pem", "mesh.json"] {
        assert_eq!(std::fs::metadata(world.state().join(name)).unwrap().mode() & 0o777, 0o600, "{name}");
    }
    assert!(!world.state().join("joining.pem").exists());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let world = World::new();
    let ca = world.ca().await;
    world.books.script(|script| script.lose_the_next_answer = true);
    let token = world.token(&ca.address, 1);
    assert!(matches!(world.join(&token).await, Err(JoinError::Ca(problem)) if !problem.is_refusal()));
    world.join(&token).await.unwrap();
    let joins = world.books.joins.lock().unwrap();
    assert_eq!((joins.len(), &joins[0]), (2, &joins[1]));
}

#[tokio::test]
async fn whoever_answers_in_the_place_of_the_ca_gets_no_token_and_no_request() {
    let world = World::new();
    let another_node = world.pki.node("n2", world.clock.now());
    let impostor = FakeCa::start(Arc::clone(&world.books), another_node).await;
    let error = world.join(&world.token(&impostor.address, 1)).await.unwrap_err();
    assert!(bulkhead_daemon::chain(&error).contains("not the CA"), "{error:?}");
    assert_eq!(world.books.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_ca_of_another_mesh_gets_no_token_either() {
    let (world, other) = (World::new(), World::new());
    let ca = other.ca().await;
    assert!(world.join(&world.token(&ca.address, 1)).await.is_err());
    assert_eq!(other.books.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_same_node_may_join_again_with_a_new_token_and_a_new_key() {
    let (world, ca) = World::joined().await;
    let again = world.join(&world.token(&ca.address, 2)).await.unwrap();
    assert!(again.again);
    let joins = world.books.joins.lock().unwrap();
    assert_ne!(joins[0].1, joins[1].1);
}

#[tokio::test]
async fn an_identity_of_another_node_is_never_overwritten() {
    let (world, ca) = World::joined().await;
    let before = std::fs::read(world.state().join("node.pem")).unwrap();
    let mut token = world.token(&ca.address, 2);
    token.node = "n2".parse().unwrap();
    let error = world.join(&token).await.unwrap_err();
    assert!(matches!(error, JoinError::AnotherNode { .. }) && error.hint().is_some(), "{error}");
    assert_eq!(world.books.joins.lock().unwrap().len(), 1, "the token was not spent");
    assert_eq!(std::fs::read(world.state().join("node.pem")).unwrap(), before);
}

#[tokio::test]
async fn an_answer_for_another_node_is_not_kept() {
    let world = World::new();
    let ca = world.ca().await;
    let mut token = world.token(&ca.address, 1);
    // The played CA certifies n1, whatever it is asked.
    token.node = "n2".parse().unwrap();
    assert!(matches!(world.join(&token).await, Err(JoinError::Certified(_))));
    assert!(!world.state().join("node.pem").exists());
}
