//! One writer: all or nothing, urgent before ordinary, and a full queue says so.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use bulkhead_ca::audit::{Action, Actor, AuditRecord, Outcome};
use bulkhead_ca::store::{FactKind, Lane, Limits, Store, StoreError, Tx};

use crate::scene::{Scene, append, at, certificate, life, serial, stolen};

fn revocation() -> AuditRecord {
    AuditRecord {
        at: at(50),
        actor: Actor::Ca,
        action: Action::RevokeNode,
        subject: "n1".into(),
        detail: "stolen".into(),
        outcome: Outcome::Done,
    }
}

/// Occupies the writer: told when it has begun, and released by dropping or sending.
fn blocker() -> (Receiver<()>, Sender<()>, impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send) {
    let (begun, has_begun) = channel();
    let (release, released) = channel();
    let block = move |_: &mut Tx<'_>| {
        begun.send(()).unwrap();
        let _ = released.recv();
        Ok(())
    };
    (has_begun, release, block)
}

#[tokio::test]
async fn an_error_at_the_end_leaves_no_state_no_fact_and_no_audit_record() {
    let scene = Scene::new().await;
    let before = *scene.store.watch().borrow();
    let failed: Result<(), _> = scene
        .write(|tx| {
            tx.now(at(999))?;
            tx.revoke_node(&life("n1").node, at(50), &stolen())?;
            append(tx, FactKind::Cutoff, None)?;
            tx.audit(&revocation())?;
            tx.record_certificate(&certificate(1, Some("n2"), None))?;
            Err(StoreError::Closed)
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Closed)));
    assert_eq!(*scene.store.watch().borrow(), before);
    let scene = scene.reopened().await;
    assert_eq!(*scene.store.watch().borrow(), before);
    scene.write(|tx| tx.admitted_node(&life("n1"))).await.unwrap();
    assert_eq!(scene.read(|now| now.certificate(serial(1))).await, None);
    assert!(scene.read(|now| now.last_time()).await < at(999));
    // The next fact takes the number that was not used.
    assert_eq!(scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap().position.n, 1);
}

#[tokio::test]
async fn a_panic_is_rolled_back_told_and_survived() {
    let scene = Scene::new().await;
    let failed: Result<(), _> = scene
        .write(|tx| {
            append(tx, FactKind::Cutoff, None)?;
            panic!("a bug of the caller")
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Abandoned)));
    assert_eq!(scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap().position.n, 1);
}

#[tokio::test]
async fn a_refusal_can_be_audited_in_the_transaction_that_met_it() {
    let scene = Scene::new().await;
    let refused = scene
        .write(|tx| {
            let refused = tx.admitted_node(&life("n9")).unwrap_err();
            tx.audit(&AuditRecord { outcome: Outcome::Refused, ..revocation() })?;
            Ok(refused.to_string())
        })
        .await;
    assert_eq!(refused.unwrap(), "there is no node `n9`");
    assert_eq!(scene.read(|now| now.audit_head()).await.n, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_writers_at_once_get_a_hundred_numbers_without_a_gap() {
    let scene = Scene::new().await;
    let writes: Vec<_> = (0..100)
        .map(|number: u32| {
            let lane = if number.is_multiple_of(7) { Lane::Urgent } else { Lane::Ordinary };
            let write = scene.store.write(lane, |tx| {
                tx.audit(&revocation())?;
                append(tx, FactKind::Cutoff, None).map(|fact| fact.position.n)
            });
            tokio::spawn(write)
        })
        .collect();
    let mut numbers = Vec::new();
    for write in writes {
        numbers.push(write.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    assert_eq!(scene.read(|now| now.verify_audit_chain()).await.n, 100);
}

#[tokio::test]
async fn an_urgent_write_goes_before_all_that_wait() {
    let scene = Scene::new().await;
    let (has_begun, release, block) = blocker();
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |text: String| {
        let order = Arc::clone(&order);
        move |_: &mut Tx<'_>| -> Result<(), StoreError> {
            order.lock().unwrap().push(text);
            Ok(())
        }
    };
    let blocked = scene.store.write(Lane::Ordinary, block);
    has_begun.recv().unwrap();
    let mut waiting: Vec<_> = (0..20)
        .map(|number| tokio::spawn(scene.store.write(Lane::Ordinary, note(format!("ordinary {number}")))))
        .collect();
    waiting.push(tokio::spawn(scene.store.write(Lane::Urgent, note("urgent".into()))));
    drop(release);
    blocked.await.unwrap();
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    let order = order.lock().unwrap();
    assert_eq!((order[0].as_str(), order[1].as_str(), order[20].as_str()), ("urgent", "ordinary 0", "ordinary 19"));
}

#[tokio::test]
async fn a_full_lane_refuses_and_the_urgent_one_has_places_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { waiting_writes: 2, ..Limits::default() };
    let store = Store::create(&directory.path().join("ca.db"), limits).unwrap();
    let (has_begun, release, block) = blocker();
    let blocked = store.write(Lane::Ordinary, block);
    has_begun.recv().unwrap();
    let quick = |lane| store.write(lane, |tx| tx.now(at(1)));
    let waiting = [quick(Lane::Ordinary), quick(Lane::Ordinary)];
    let refused = quick(Lane::Ordinary).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { lane: Lane::Ordinary, waiting: 2 }));
    let urgent = quick(Lane::Urgent);
    drop(release);
    blocked.await.unwrap();
    urgent.await.unwrap();
    for write in waiting {
        write.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_waits_for_an_ordinary_write_it_is_not_done_an_urgent_one_is() {
    let scene = Scene::new().await;
    let (has_begun, release, block) = blocker();
    let blocked = scene.store.write(Lane::Ordinary, block);
    has_begun.recv().unwrap();
    drop(scene.store.write(Lane::Ordinary, |tx| tx.quarantine_node(&life("n1").node, at(50), &stolen())));
    drop(scene.store.write(Lane::Urgent, |tx| tx.revoke_node(&life("n2").node, at(50), &stolen())));
    drop(release);
    blocked.await.unwrap();
    scene.write(|tx| tx.admitted_node(&life("n1"))).await.unwrap();
    assert!(scene.write(|tx| tx.admitted_node(&life("n2"))).await.is_err());
}

#[tokio::test]
async fn a_commit_is_told_before_its_caller_hears_of_it() {
    let scene = Scene::new().await;
    let mut watch = scene.store.watch();
    watch.mark_unchanged();
    let fact = scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap();
    assert!(watch.has_changed().unwrap());
    assert_eq!(watch.borrow_and_update().facts, Some(fact.position));
    let head = scene.write(|tx| tx.audit(&revocation())).await.unwrap();
    assert_eq!(watch.borrow_and_update().audit, head);
    // A write that changes nothing of this is not told.
    scene.write(|tx| tx.now(at(1))).await.unwrap();
    assert!(!watch.has_changed().unwrap());
}

#[tokio::test]
async fn a_reader_sees_one_state_while_the_writer_goes_on() {
    let scene = Scene::new().await;
    let (first_look, has_looked) = channel();
    let (go_on, may_go_on) = channel::<()>();
    let reading = scene.store.read(move |now| {
        let before = now.head()?;
        first_look.send(()).unwrap();
        may_go_on.recv().unwrap();
        Ok::<_, StoreError>((before, now.head()?))
    });
    has_looked.recv().unwrap();
    scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap();
    go_on.send(()).unwrap();
    let (before, after) = reading.await.unwrap();
    assert_eq!(before, after);
    assert_eq!(scene.read(|now| now.head()).await.unwrap().n, 1);
}

#[tokio::test]
async fn a_closed_store_has_done_what_waited_and_takes_no_more() {
    let scene = Scene::new().await;
    let last = scene.store.write(Lane::Ordinary, |tx| append(tx, FactKind::Cutoff, None));
    scene.store.close().await;
    assert_eq!(last.await.unwrap().position.n, 1);
    assert!(matches!(scene.write(|tx| tx.now(at(1))).await, Err(StoreError::Closed)));
    let read: Result<_, StoreError> = scene.store.read(|now| now.head()).await;
    assert!(matches!(read, Err(StoreError::Closed)));
}
