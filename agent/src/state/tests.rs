//! What is kept comes back, and nobody else reads it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;
use crate::testing::{bundle, chain_for, id};
use bulkhead_mesh::Timestamp;

fn state() -> (tempfile::TempDir, StateDirectory) {
    let home = tempfile::tempdir().unwrap();
    let state = StateDirectory::open(&home.path().join("state")).unwrap();
    (home, state)
}

fn membership() -> Membership {
    Membership { node: "n1".parse().unwrap(), ca_addresses: vec!["ca:8443".into()], bundle: bundle("root") }
}

fn registration() -> Registration {
    Registration {
        id: InstanceId::from_bytes([7; 16]),
        workload: "ns/shop/sa/web".parse().unwrap(),
        label: "confidential:pci".parse().unwrap(),
        node: "n1".parse().unwrap(),
        address: "10.0.0.7".parse().unwrap(),
        uid: 10101,
        gid: 10101,
    }
}

fn identity(path: &str) -> StoredIdentity {
    let key = PrivateKey::generate().unwrap();
    let chain = chain_for(&key, &id(path), Timestamp::EPOCH, Timestamp::from_secs(1000));
    StoredIdentity { key, chain }
}

#[test]
fn a_new_directory_holds_nothing() {
    let (_home, state) = state();
    assert!(state.membership().unwrap().is_none());
    assert!(state.node().unwrap().is_none());
    assert!(state.joining_key(&id("/node/n1")).unwrap().is_none());
    assert!(state.registrations().unwrap().is_none());
}

#[test]
fn what_is_kept_comes_back() {
    let (_home, state) = state();
    state.keep_membership(&membership()).unwrap();
    let (node, workload) = (identity("/node/n1"), identity("/ns/shop/sa/web"));
    state.keep_node(&node).unwrap();
    state.keep_workload(registration().id, &workload).unwrap();
    state.keep_registrations(&[registration()]).unwrap();
    assert!(state.membership().unwrap().unwrap().is_same_node(&membership()));
    assert_eq!(state.node().unwrap().unwrap().chain, node.chain);
    assert_eq!(state.workload(registration().id).unwrap().unwrap().chain, workload.chain);
    assert_eq!(state.registrations().unwrap().unwrap(), [registration()]);
}

#[test]
fn a_finished_join_leaves_no_second_key_behind() {
    let (_home, state) = state();
    let node = identity("/node/n1");
    state.keep_joining_key(&id("/node/n1"), &node.key).unwrap();
    assert_eq!(state.joining_key(&id("/node/n1")).unwrap().unwrap().as_pkcs8(), node.key.as_pkcs8());
    assert!(state.joining_key(&id("/node/n2")).unwrap().is_none(), "a key is for one name");
    state.keep_node(&node).unwrap();
    assert!(state.joining_key(&id("/node/n1")).unwrap().is_none());
}

#[test]
fn nobody_else_reads_a_file() {
    let (home, state) = state();
    state.keep_membership(&membership()).unwrap();
    state.keep_joining_key(&id("/node/n1"), &identity("/node/n1").key).unwrap();
    state.keep_registrations(&[registration()]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&home.path().join("state")), 0o700);
    for name in [MESH, JOINING, REGISTRATIONS] {
        assert_eq!(mode(&state.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn two_agents_cannot_use_one_directory() {
    let (home, _state) = state();
    let error = StateDirectory::open(&home.path().join("state")).unwrap_err();
    assert!(matches!(error, StateError::InUse { .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn a_damaged_file_is_an_error_and_not_nothing() {
    let (_home, state) = state();
    for name in [MESH, REGISTRATIONS, JOINING, NODE] {
        fs::write(state.path().join(name), joining_line(&id("/node/n1"))).unwrap();
        fs::set_permissions(state.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert!(matches!(state.membership(), Err(StateError::Damaged { .. })));
    assert!(matches!(state.registrations(), Err(StateError::Damaged { .. })));
    assert!(matches!(state.joining_key(&id("/node/n1")), Err(StateError::Damaged { .. })));
    assert!(state.node().is_err());
}

#[test]
fn an_earlier_life_is_forgotten_as_a_whole() {
    let (_home, state) = state();
    state.keep_workload(registration().id, &identity("/ns/shop/sa/web")).unwrap();
    state.keep_registrations(&[registration()]).unwrap();
    state.forget_workloads().unwrap();
    assert!(state.workload(registration().id).unwrap().is_none());
    assert!(state.registrations().unwrap().is_none());
}
