//! Who gets what from a workload's socket.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use bulkhead_protocol::workload_api::X509BundlesRequest;
use tonic::{Code, Request};

use crate::world::{World, connect, fetch, in_time, next_leaf, registration, until};

#[tokio::test]
async fn a_request_without_the_header_is_refused() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let refused = fetch(world.client(registration(1).id).await, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let bundles = world.client(registration(1).id).await.fetch_x509_bundles(X509BundlesRequest {}).await.unwrap_err();
    assert_eq!(bundles.code(), Code::InvalidArgument, "{bundles}");
    agent.stop().await;
}

#[tokio::test]
async fn the_certificate_comes_with_its_key_and_its_roots() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    let message = in_time("a certificate", stream.message()).await.unwrap().unwrap();
    let [svid] = &message.svids[..] else { panic!("{} certificates", message.svids.len()) };
    assert_eq!(svid.spiffe_id, "spiffe://prod.example/ns/shop/sa/web");
    assert_eq!(svid.bundle, world.pki.roots()[0].to_vec());
    bulkhead_identity::PrivateKey::from_pkcs8(svid.x509_svid_key.clone()).unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn the_roots_come_by_themselves_too() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut request = Request::new(X509BundlesRequest {});
    request.metadata_mut().insert("workload.spiffe.io", "true".parse().unwrap());
    let mut stream = world.client(registration(1).id).await.fetch_x509_bundles(request).await.unwrap().into_inner();
    let message = in_time("the roots", stream.message()).await.unwrap().unwrap();
    assert_eq!(message.bundles["spiffe://prod.example"], world.pki.roots()[0].to_vec());
    agent.stop().await;
}

#[tokio::test]
async fn a_client_that_is_early_waits_for_the_first_certificate() {
    let (world, _ca) = World::joined().await;
    world.books.script(|script| script.lose_the_next_answer = true);
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    let first = next_leaf(&mut stream);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    // The agent may not have noticed yet that the answer is lost: the clock goes on until it has asked again.
    let leaf = loop {
        world.clock.advance(Duration::from_secs(1));
        if let Ok(leaf) = tokio::time::timeout(Duration::from_millis(100), &mut first).await {
            break leaf;
        }
    };
    leaf.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn a_client_that_has_waited_long_enough_is_told_to_come_again() {
    let (world, _ca) = World::joined().await;
    world.books.script(|script| script.refuse = true);
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut stream = world.follow(registration(1).id).await;
    world.clock.advance(world.limits.patience);
    let ended = next_leaf(&mut stream).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended}");
    agent.stop().await;
}

#[tokio::test]
async fn one_connection_more_than_the_limit_is_closed_at_once() {
    let (mut world, _ca) = World::joined().await;
    world.limits.connections = 1;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let mut first = world.follow(registration(1).id).await;
    next_leaf(&mut first).await.unwrap();
    let mut second = tokio::net::UnixStream::connect(world.socket(registration(1).id)).await.unwrap();
    let mut nothing = [0; 1];
    let closed = tokio::io::AsyncReadExt::read(&mut second, &mut nothing);
    assert!(matches!(in_time("the end of the second connection", closed).await, Ok(0) | Err(_)));
    agent.stop().await;
}

#[tokio::test]
async fn another_user_or_group_is_refused_even_if_it_is_root() {
    let Some(helper) = Helper::find() else { return };
    let (world, _ca) = World::joined().await;
    let mut theirs = registration(1);
    (theirs.uid, theirs.gid) = (SOMEBODY, SOMEBODY);
    world.books.registrations.send_replace(vec![theirs.clone()]);
    let agent = world.agent().await;
    until("the socket", || std::future::ready(world.socket(theirs.id).exists())).await;

    let root = fetch(world.client(theirs.id).await, true).await.unwrap_err();
    assert_eq!(root.code(), Code::PermissionDenied, "{root}");
    let directory = world.socket(theirs.id).parent().unwrap().to_path_buf();
    for (uid, gid, says) in [
        (SOMEBODY, SOMEBODY, "got a certificate"),
        (SOMEBODY, SOMEBODY + 1, "PermissionDenied"),
        (SOMEBODY + 1, SOMEBODY, "cannot connect"),
    ] {
        let output = helper.call_as(uid, gid, &directory).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(says), "uid {uid}, gid {gid}: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    agent.stop().await;
}

const SOMEBODY: u32 = 10101;
const DIRECTORY_IS_STDIN: &str = "BULKHEAD_TEST_CLIENT_OF_ANOTHER_USER";

/// This test program, where another user may execute it.
struct Helper {
    _home: tempfile::TempDir,
    program: PathBuf,
}

impl Helper {
    /// Nothing, with a loud word, where this test may not become somebody else.
    fn find() -> Option<Self> {
        let became = setpriv(SOMEBODY, SOMEBODY).arg("true").status();
        if !became.is_ok_and(|status| status.success()) {
            println!("SKIPPED: `setpriv --reuid {SOMEBODY}` is not possible here; run as root or in a user namespace");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("client");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        for path in [home.path(), &program] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        Some(Self { _home: home, program })
    }

    /// Calls as somebody else who sees the socket's directory, as one that is bound into its mount namespace: it is
    /// handed over as standard input, past the directories above.
    async fn call_as(&self, uid: u32, gid: u32, directory: &Path) -> Output {
        let mut command = setpriv(uid, gid);
        command.arg(&self.program).args(["--exact", "workload_api::client_of_another_user", "--nocapture"]);
        command.env(DIRECTORY_IS_STDIN, "1").current_dir("/").stdin(File::open(directory).unwrap());
        in_time("the other user's client", tokio::task::spawn_blocking(move || command.output()))
            .await
            .unwrap()
            .unwrap()
    }
}

fn setpriv(uid: u32, gid: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"]);
    command
}

/// The other end of the test above: it does nothing unless that test has started it.
#[tokio::test]
async fn client_of_another_user() {
    if std::env::var_os(DIRECTORY_IS_STDIN).is_none() {
        return;
    }
    let socket = PathBuf::from("/proc/self/fd/0/api.sock");
    if let Err(problem) = tokio::net::UnixStream::connect(&socket).await {
        println!("cannot connect: {problem}");
        return;
    }
    match fetch(connect(socket).await, true).await {
        Ok(mut stream) => {
            println!("{}", if next_leaf(&mut stream).await.is_ok() { "got a certificate" } else { "got none" });
        }
        Err(status) => println!("{:?}: {}", status.code(), status.message()),
    }
}
