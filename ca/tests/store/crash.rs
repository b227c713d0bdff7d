//! Other processes: one that dies in the middle of a transaction, and one that wants the same database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bulkhead_ca::audit::{Action, Actor, AuditRecord, Outcome};
use bulkhead_ca::store::{FactKind, Lane, Limits, OpenError, Store, StoreError};

use crate::scene::{Scene, append, at};

/// Runs one of the tests of this file, which plays a part when it finds a database named here.
const DATABASE: &str = "BULKHEAD_TEST_DATABASE";

fn other_process(part: &str, database: &Path) -> std::process::ExitStatus {
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", part]).env(DATABASE, database).stdout(Stdio::null()).stderr(Stdio::null());
    itself.status().unwrap()
}

fn database() -> Option<PathBuf> {
    std::env::var_os(DATABASE).map(PathBuf::from)
}

fn noted() -> AuditRecord {
    AuditRecord {
        at: at(9),
        actor: Actor::Ca,
        action: Action::CutOff,
        subject: "n1".into(),
        detail: String::new(),
        outcome: Outcome::Done,
    }
}

/// Commits three facts, then dies after everything of the fourth was written but the commit.
#[tokio::test]
async fn part_of_the_one_that_dies() {
    let Some(path) = database() else { return };
    let store = Store::open(&path, Limits::default()).unwrap();
    for number in 1..=4 {
        let write = store.write(Lane::Urgent, move |tx| {
            append(tx, FactKind::Cutoff, None)?;
            tx.audit(&noted())?;
            if number == 4 {
                std::process::abort();
            }
            Ok::<_, StoreError>(())
        });
        write.await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_dies_in_a_transaction_leaves_what_it_had_committed_and_no_more() {
    let scene = Scene::new().await;
    scene.store.close().await;
    let ended = other_process("crash::part_of_the_one_that_dies", &scene.path());
    assert_eq!(ended.code(), None, "it ended by a signal");
    let scene = scene.reopened().await;
    assert_eq!(scene.read(|now| now.head()).await.unwrap().n, 3);
    assert_eq!(scene.read(|now| now.verify_audit_chain()).await.n, 3);
    let next = scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap();
    assert_eq!(next.position.n, 4);
}

/// Succeeds only if the database was refused as being in use.
#[test]
fn part_of_the_second_process() {
    let Some(path) = database() else { return };
    assert!(matches!(Store::open(&path, Limits::default()), Err(OpenError::InUse { .. })));
}

#[tokio::test]
async fn a_second_process_on_the_database_is_refused() {
    let scene = Scene::new().await;
    assert!(other_process("crash::part_of_the_second_process", &scene.path()).success());
    // The proof that the part was played: it fails where the database is free.
    scene.store.close().await;
    assert!(!other_process("crash::part_of_the_second_process", &scene.path()).success());
}
