//! The audit chain: whatever is altered or taken out behind the store's back is found and named.

use bulkhead_ca::audit::{Action, Actor, AuditHead, AuditRecord, ChainError, Outcome};
use bulkhead_ca::store::StoreError;
use rusqlite::Connection;

use crate::scene::{Scene, at};

fn record(number: u64) -> AuditRecord {
    let actors = [
        Actor::Operator("ada".parse().unwrap()),
        Actor::Node("n1".parse().unwrap()),
        Actor::Token("n1".parse().unwrap()),
        Actor::Ca,
    ];
    let [first, ..] = &actors;
    AuditRecord {
        at: at(number),
        actor: actors.get(usize::try_from(number).unwrap() % 4).unwrap_or(first).clone(),
        action: Action::IssueCertificate,
        subject: format!("instance {number}"),
        detail: "label `internal`".into(),
        outcome: Outcome::Done,
    }
}

async fn five_records() -> Scene {
    let scene = Scene::empty();
    for number in 1..=5 {
        scene.write(move |tx| tx.audit(&record(number))).await.unwrap();
    }
    scene
}

#[tokio::test]
async fn records_are_read_back_in_order_with_their_hashes() {
    let scene = five_records().await.reopened().await;
    let read = scene.read(|now| now.audit_since(1, 3)).await;
    let records: Vec<_> = read.iter().map(|chained| chained.record.clone()).collect();
    assert_eq!(records, [record(2), record(3), record(4)]);
    let head = scene.read(|now| now.audit_head()).await;
    assert_eq!(head.n, 5);
    assert_eq!(scene.read(|now| now.audit_hash(5)).await, Some(head.hash));
    assert_eq!(scene.read(|now| now.audit_hash(6)).await, None);
    assert_eq!(scene.read(|now| now.verify_audit_chain()).await, head);
    assert_eq!(scene.store.watch().borrow().audit, head);
}

#[tokio::test]
async fn an_empty_log_has_an_empty_chain() {
    let scene = Scene::empty();
    assert_eq!(scene.read(|now| now.verify_audit_chain()).await, AuditHead::NONE);
}

#[tokio::test]
async fn a_record_altered_in_the_database_breaks_the_chain_there() {
    for (alteration, broken) in [
        ("UPDATE audit SET subject = 'instance 9' WHERE n = 3", ChainError::Altered { n: 3 }),
        ("UPDATE audit SET at = at + 1 WHERE n = 1", ChainError::Altered { n: 1 }),
        ("UPDATE audit SET actor = 'operator/bob' WHERE n = 4", ChainError::Altered { n: 4 }),
        ("UPDATE audit SET action = 'nothing' WHERE n = 2", ChainError::Altered { n: 2 }),
        ("UPDATE audit SET outcome = 'refused' WHERE n = 5", ChainError::Altered { n: 5 }),
        ("UPDATE audit SET hash = zeroblob(32) WHERE n = 5", ChainError::Altered { n: 5 }),
        // Moving text from one field to the next changes the record as well.
        (
            "UPDATE audit SET subject = subject || substr(detail, 1, 1), detail = substr(detail, 2) WHERE n = 2",
            ChainError::Altered { n: 2 },
        ),
        ("DELETE FROM audit WHERE n = 3", ChainError::Missing { n: 3 }),
        ("DELETE FROM audit WHERE n = 1", ChainError::Missing { n: 1 }),
        ("DELETE FROM audit WHERE n = 2; UPDATE audit SET n = n - 1 WHERE n > 2", ChainError::Altered { n: 2 }),
    ] {
        let scene = five_records().await;
        scene.store.close().await;
        Connection::open(scene.path()).unwrap().execute_batch(alteration).unwrap();
        let scene = scene.reopened().await;
        let StoreError::Audit(found) = scene.write(|tx| tx.verify_audit_chain()).await.unwrap_err() else {
            panic!("{alteration}")
        };
        assert_eq!(found, broken, "{alteration}");
    }
}

#[tokio::test]
async fn the_hash_of_a_record_covers_every_record_before_it() {
    let scene = five_records().await;
    let other = Scene::empty();
    for number in [6, 2, 3, 4, 5] {
        other.write(move |tx| tx.audit(&record(number))).await.unwrap();
    }
    let of = |scene: &Scene| scene.store.watch().borrow().audit;
    assert_eq!(of(&scene).n, of(&other).n);
    assert_ne!(of(&scene).hash, of(&other).hash);
}

#[tokio::test]
async fn a_shortened_log_no_longer_has_the_head_that_was_told() {
    let scene = five_records().await;
    let told = scene.read(|now| now.audit_head()).await;
    scene.store.close().await;
    Connection::open(scene.path()).unwrap().execute_batch("DELETE FROM audit WHERE n = 5").unwrap();
    let scene = scene.reopened().await;
    assert_eq!(scene.read(|now| now.verify_audit_chain()).await.n, 4);
    scene.write(|tx| tx.audit(&record(6))).await.unwrap();
    assert_ne!(scene.read(move |now| now.audit_hash(told.n)).await, Some(told.hash));
}

#[test]
fn what_an_actor_prints_is_read_back() {
    for number in 0..4 {
        let actor = record(number).actor;
        assert_eq!(actor.to_string().parse(), Ok(actor));
    }
    for text in ["", "operator", "operator/", "operator/ada/x", "root/ada", "ca/x", "node/UPPER"] {
        assert!(text.parse::<Actor>().is_err(), "{text:?}");
    }
}
