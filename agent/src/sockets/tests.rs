//! What stands on the disk after each step.

use std::os::unix::fs::symlink;

use super::*;

const ONE: InstanceId = InstanceId::from_bytes([1; 16]);
const TWO: InstanceId = InstanceId::from_bytes([2; 16]);

/// A directory of sockets, and the owner that this test can give files to.
fn directory() -> (tempfile::TempDir, SocketDirectory, Owner) {
    let home = tempfile::tempdir().unwrap();
    let sockets = SocketDirectory::open(&home.path().join("sockets")).unwrap();
    let owner = sockets.agent;
    (home, sockets, owner)
}

#[test]
fn a_path_that_the_kernel_cannot_take_is_refused_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let error = SocketDirectory::open(&home.path().join("x".repeat(80))).unwrap_err();
    assert!(matches!(error, SocketError::TooLong { .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn the_longest_path_that_fits_is_taken() {
    let exactly = MAX_SOCKET_PATH - 1 - REGISTRATION_NAME - 1 - SOCKET_NAME.len();
    assert!(check_length(Path::new(&"x".repeat(exactly))).is_ok());
    assert!(check_length(Path::new(&"x".repeat(exactly + 1))).is_err());
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(SocketDirectory::open(home.path()), Err(SocketError::Open { mode: 0o777, .. })));
}

#[tokio::test]
async fn only_the_owner_may_enter() {
    let (home, sockets, owner) = directory();
    let _listener = sockets.bind(ONE, owner).unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&home.path().join("sockets")), 0o700);
    assert_eq!(mode(sockets.socket(ONE).parent().unwrap()), 0o700);
    assert_eq!(mode(&sockets.socket(ONE)), 0o600);
}

#[tokio::test]
async fn a_restart_replaces_the_socket_and_keeps_the_directory() {
    let (_home, sockets, owner) = directory();
    drop(sockets.bind(ONE, owner).unwrap());
    let inode = |path: &Path| fs::symlink_metadata(path).unwrap().ino();
    let before = inode(sockets.socket(ONE).parent().unwrap());
    let _again = sockets.bind(ONE, owner).unwrap();
    assert_eq!(inode(sockets.socket(ONE).parent().unwrap()), before);
    tokio::net::UnixStream::connect(sockets.socket(ONE)).await.unwrap();
}

#[tokio::test]
async fn a_link_that_the_owner_left_is_not_followed() {
    let (home, sockets, owner) = directory();
    let target = home.path().join("precious");
    fs::write(&target, "kept").unwrap();
    drop(sockets.bind(ONE, owner).unwrap());
    fs::remove_file(sockets.socket(ONE)).unwrap();
    symlink(&target, sockets.socket(ONE)).unwrap();
    let _listener = sockets.bind(ONE, owner).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
    assert!(!fs::symlink_metadata(sockets.socket(ONE)).unwrap().is_symlink());
}

#[tokio::test]
async fn directories_of_registrations_that_are_gone_are_removed_and_nothing_else() {
    let (home, sockets, owner) = directory();
    let _kept = sockets.bind(ONE, owner).unwrap();
    let _gone = sockets.bind(TWO, owner).unwrap();
    fs::write(home.path().join("sockets/README"), "not ours").unwrap();
    sockets.remove_others(&HashSet::from([ONE])).unwrap();
    assert!(sockets.socket(ONE).exists());
    assert!(!sockets.socket(TWO).exists());
    assert!(home.path().join("sockets/README").exists());
}
