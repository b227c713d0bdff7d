//! Join tokens: for one key, once, for a while.

use bulkhead_ca::store::{Admission, NodeRefusal, StoreError, TokenHash, TokenRefusal, Tx};
use bulkhead_mesh::Timestamp;

use crate::scene::{Scene, admission, at, key, token};

fn take(number: u8, now: Timestamp) -> impl FnOnce(&mut Tx<'_>) -> Result<bool, StoreError> + Send {
    move |tx| tx.take_token(&TokenHash::of(b"secret"), key(number), now).map(|taken| taken.again)
}

#[tokio::test]
async fn a_token_works_for_one_key_and_for_that_key_again() {
    let scene = Scene::empty();
    scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap();
    assert!(!scene.write(take(1, at(50))).await.unwrap());
    let scene = scene.reopened().await;
    assert!(scene.write(take(1, at(60))).await.unwrap());
    let refused = scene.write(take(2, at(60))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Token(TokenRefusal::Used { .. })));
}

#[tokio::test]
async fn a_token_is_worth_nothing_from_its_expiry_on_even_to_its_user() {
    let scene = Scene::empty();
    scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap();
    assert!(!scene.write(take(1, Timestamp::from_millis(99_999))).await.unwrap());
    for number in [1, 2] {
        let refused = scene.write(take(number, at(100))).await.unwrap_err();
        assert!(matches!(refused, StoreError::Token(TokenRefusal::Expired { at: when, .. }) if when == at(100)));
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_cannot_bring_itself_back_by_its_own_older_token() {
    let scene = Scene::empty();
    let join = |secret: &'static [u8], number| {
        move |tx: &mut Tx<'_>| {
            let taken = tx.take_token(&TokenHash::of(secret), key(number), at(50))?;
            tx.admit(&Admission { may_rekey: !taken.again, ..admission("n3", key(number)) })
        }
    };
    for secret in [b"older", b"newer"] {
        scene.write(move |tx| tx.insert_token(&token(secret))).await.unwrap();
    }
    scene.write(join(b"older", 1)).await.unwrap();
    scene.write(join(b"older", 1)).await.unwrap();
    scene.write(join(b"newer", 2)).await.unwrap();
    let refused = scene.write(join(b"older", 1)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::OtherKey { .. })));
    assert_eq!(scene.write(join(b"newer", 2)).await.unwrap().key, key(2));
}

#[tokio::test]
async fn an_unknown_secret_is_refused_and_a_known_one_not_kept_twice() {
    let scene = Scene::empty();
    let refused = scene.write(take(1, at(50))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Token(TokenRefusal::Unknown)));
    scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap();
    let refused = scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Token(TokenRefusal::Exists)));
}

#[tokio::test]
async fn a_token_is_read_back_as_written() {
    let scene = Scene::empty();
    scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap();
    assert_eq!(scene.read(|now| now.token(&TokenHash::of(b"secret"))).await, Some(token(b"secret")));
}

#[tokio::test]
async fn pruning_forgets_expired_tokens_only() {
    let scene = Scene::empty();
    scene.write(|tx| tx.insert_token(&token(b"secret"))).await.unwrap();
    assert_eq!(scene.write(|tx| tx.prune_tokens(at(99))).await.unwrap(), 0);
    assert_eq!(scene.write(|tx| tx.prune_tokens(at(100))).await.unwrap(), 1);
    assert_eq!(scene.read(|now| now.token(&TokenHash::of(b"secret"))).await, None);
}

#[tokio::test]
async fn the_database_holds_no_secret_of_a_token() {
    let scene = Scene::empty();
    scene.write(|tx| tx.insert_token(&token(b"a secret that nobody may read"))).await.unwrap();
    scene.store.close().await;
    let file = std::fs::read(scene.path()).unwrap();
    assert!(!file.windows(8).any(|bytes| bytes == b"a secret"));
}
