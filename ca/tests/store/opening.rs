//! Opening: one process, private files, a schema that is known.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bulkhead_ca::store::{Limits, OpenError, Store};
use rusqlite::Connection;

use crate::scene::{Scene, life};

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Limits::default())
}

/// Changes a closed database behind the store's back.
fn alter(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

#[tokio::test]
async fn every_file_of_the_database_is_for_its_owner_only() {
    let scene = Scene::new().await;
    let files: Vec<_> = fs::read_dir(scene.directory.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn a_database_that_others_may_read_is_refused() {
    let scene = Scene::new().await;
    scene.store.close().await;
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(open(&scene.path()), Err(OpenError::Exposed { mode: 0o640, .. })));
}

#[tokio::test]
async fn a_second_handle_on_one_database_is_refused_until_the_first_is_closed() {
    let scene = Scene::new().await;
    assert!(matches!(open(&scene.path()), Err(OpenError::InUse { .. })));
    scene.store.close().await;
    drop(open(&scene.path()).unwrap());
    drop(open(&scene.path()).unwrap());
}

#[tokio::test]
async fn create_never_touches_what_is_there_and_open_never_makes_anything() {
    let scene = Scene::new().await;
    scene.store.close().await;
    assert!(matches!(Store::create(&scene.path(), Limits::default()), Err(OpenError::Exists { .. })));
    let scene = scene.reopened().await;
    assert!(scene.read(|now| now.node(&life("n1").node)).await.is_some());

    let nowhere = scene.directory.path().join("other.db");
    assert!(matches!(open(&nowhere), Err(OpenError::Missing { .. })));
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let scene = Scene::new().await;
    scene.store.close().await;
    alter(&scene.path(), "INSERT INTO schema_version (version) VALUES (3)");
    let refused = open(&scene.path()).unwrap_err();
    assert_eq!(refused.to_string(), "the database has schema version 3, and this program knows versions up to 2");
    assert!(refused.hint().is_some());
}

#[test]
fn what_is_no_database_of_this_ca_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.db");
    for content in [&b""[..], b"not a database, but long enough to be looked at as one: sixteen bytes are its magic"] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
    }
    let other = directory.path().join("other.db");
    alter(&other, "CREATE TABLE something (value)");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open(&other), Err(OpenError::Foreign { .. })));
}

#[tokio::test]
async fn what_no_version_writes_is_an_error_that_names_the_column() {
    let scene = Scene::new().await;
    scene.store.close().await;
    alter(&scene.path(), "UPDATE nodes SET ceiling = 'NO LABEL' WHERE name = 'n1'");
    let scene = scene.reopened().await;
    let refused = scene.write(|tx| tx.nodes()).await.unwrap_err();
    assert_eq!(refused.to_string(), "column `ceiling` of the database holds what no version of this program writes");
    assert!(scene.write(|tx| tx.admitted_node(&life("n1"))).await.is_err());
    scene.write(|tx| tx.admitted_node(&life("n2"))).await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date_with_all_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.db");
    let first = Connection::open(&path).unwrap();
    first.execute_batch(include_str!("../../src/store/schema/1.sql")).unwrap();
    first
        .execute_batch(
            "INSERT INTO schema_version (version) VALUES (1);
             INSERT INTO nodes (name, epoch, ceiling, addresses, key, admitted_at, state)
                 VALUES ('n1', 1, 'internal', '', zeroblob(32), 10000, 'admitted');
             INSERT INTO registrations (id, workload, label, node, epoch, address, uid, gid, registered_at)
                 VALUES (zeroblob(16), 'ns/shop/sa/web', 'internal', 'n1', 1, '10.1.0.1', 1000, 1000, 20000);",
        )
        .unwrap();
    drop(first);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let store = open(&path).unwrap();
    let look = |now: &bulkhead_ca::store::Snapshot<'_>| {
        Ok::<_, bulkhead_ca::store::StoreError>((now.node(&life("n1").node)?, now.registrations()?))
    };
    let (node, registrations) = store.read(look).await.unwrap();
    assert_eq!(node.unwrap().cluster_uid, None);
    assert_eq!(registrations[0].source, bulkhead_ca::store::Source::Operator);
}
