//! Serving: where a CA does not begin, how it ends, and what it still knows when it is back.

use std::time::{Duration, Instant};

use bulkhead_ca::begin;
use bulkhead_ca::fanout::PublishError;
use bulkhead_ca::serve::ServeError;
use bulkhead_daemon::Stopper;
use bulkhead_identity::Demand;
use bulkhead_identity::keys::KeyStore;
use bulkhead_identity::tls::unused_server_name;
use bulkhead_mesh::ControlRole;
use bulkhead_protocol::transport::ConnectError;
use bulkhead_protocol::v1::{AdmitNodeRequest, ListWorkloadsRequest, RevokeNodeRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Code;

use crate::people::Identity;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{World, soon};

#[tokio::test]
async fn a_directory_without_a_ca_says_how_to_found_one() {
    let world = World::founded().await;
    let mut options = world.options();
    options.directory = world.directory.path().join("nothing");
    let refused = world.bind(options, Stopper::new().1).await.unwrap_err();
    assert_eq!(refused.hint().as_deref(), Some("`bulkhead-ca init` makes the directory of a CA"));
}

#[tokio::test]
async fn the_first_policy_is_in_force_and_a_responder_may_tighten_alone() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("robot.pem");
    let robot = file.clone();
    let mut world = World::founded_as(move |plan| {
        plan.policy = Some("default: dominates\ndefault-label: public\n".to_owned());
        plan.responder = Some(("robot".parse().unwrap(), robot));
    })
    .await;
    world.start(|_| ()).await;
    assert_eq!(world.ca().known.policy().default_label().to_string(), "public");
    let kept = KeyStore::new(file).read().unwrap().unwrap();
    let mut robot = world.admin(&Identity { key: kept.key, chain: kept.chain }).await;
    world.node("n1").await;
    let order = AdmitNodeRequest { node: "n2".to_owned(), clearance: "public".to_owned(), lifetime_seconds: 60 };
    assert_refused(robot.admit_node(order).await, Code::PermissionDenied, "has the role responder");
    let revoke = RevokeNodeRequest { node: "n1".to_owned(), reason: "stolen".to_owned() };
    robot.revoke_node(revoke).await.unwrap();
}

#[tokio::test]
async fn a_directory_is_served_by_one_process_at_a_time() {
    let mut world = World::new().await;
    let refused = world.bind(world.options(), Stopper::new().1).await.unwrap_err();
    assert!(matches!(refused, ServeError::Records(_)), "{refused:?}");
    assert_eq!(refused.hint().as_deref(), Some("stop the other bulkhead-ca first: only one may write"));
    world.restart().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let world = World::new().await;
    let other = World::founded().await;
    let mut options = other.options();
    options.listen = world.address().parse().unwrap();
    let refused = other.bind(options, Stopper::new().1).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("cannot listen on {}", world.address()));
}

#[tokio::test]
async fn streams_that_stand_do_not_hold_up_the_end() {
    let mut world = World::new().await;
    let node = world.node("n1").await;
    let web = world.workload(&node, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let (mut watcher, _) = Watcher::settled(&world, &web).await;
    let silent = Watcher::open(world.channel(&node).await).await.unwrap();
    let revoked = world.node("n2").await;
    drop(revoked);
    let position = world.revoke("n2").await.position;
    let request = bulkhead_protocol::v1::WatchReceiptRequest { position, wait_millis: 3_600_000 };
    let mut receipts = world.owner().await.watch_receipt(request).await.unwrap().into_inner();
    soon(receipts.message()).await.unwrap().unwrap();
    // The test's limit is the same as the drain's, so only streams that end by themselves pass.
    world.stop().await;
    assert_eq!(watcher.ended().await.code(), Code::Unavailable);
    drop(silent);
}

#[tokio::test]
async fn a_peer_that_does_not_close_its_connection_holds_up_nothing() {
    let mut world = World::founded().await;
    world.start(|options| options.drain = Duration::from_millis(50)).await;
    let tcp = TcpStream::connect(world.address()).await.unwrap();
    let (config, _slot) = world.connector(Some(&world.founder)).begin(Demand::control(ControlRole::Ca));
    let mut held = TlsConnector::from(config).connect(unused_server_name(), tcp).await.unwrap();
    // It speaks HTTP/2 (RFC 9113, section 3.4), but answers no PING and closes nothing.
    held.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut heard = [0; 64];
    while !heard.ends_with(b"\0\0\0\x04\x01\0\0\0\0") {
        heard.rotate_left(1);
        heard[63] = soon(held.read_u8()).await.unwrap();
    }
    let begun = Instant::now();
    world.stop().await;
    assert!(begun.elapsed() < KEEPALIVE, "it was the keep-alive that ended it, not the drain");
    drop(held);
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let mut world = World::new().await;
    let (first, second) = (world.node("n1").await, world.node("n2").await);
    let web = world.workload(&first, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let registration = world.register("n2", "ns/shop/sa/db", [10, 77, 0, 2]).await;
    world.revoke("n1").await;
    let before = (world.audit_head().await, world.ca().fanout.head());
    world.restart().await;
    assert_eq!((world.audit_head().await, world.ca().fanout.head()), before);
    for cut in [&first, &web] {
        assert!(matches!(world.connect(Some(cut)).await, Err(ConnectError::Refused { .. })));
    }
    let db = world.issue(&second, &registration).await.unwrap();
    assert_eq!(Watcher::settled(&world, &db).await.1, before.1);
    let listed = world.owner().await.list_workloads(ListWorkloadsRequest {}).await.unwrap().into_inner().workloads;
    let states: Vec<_> = listed.iter().map(|workload| workload.state.as_str()).collect();
    assert_eq!(states, ["issued", "revoked"]);
}

#[tokio::test]
async fn a_fact_that_was_altered_on_the_disk_is_not_served() {
    let mut world = World::new().await;
    world.node("n1").await;
    world.revoke("n1").await;
    world.stop().await;
    let file = rusqlite::Connection::open(begin::records(&world.path())).unwrap();
    let select = "SELECT body FROM facts WHERE kind = 'cutoff'";
    let mut body: Vec<u8> = file.query_row(select, [], |row| row.get(0)).unwrap();
    let name = body.windows(2).position(|word| word == b"n1").unwrap();
    body[name + 1] = b'2';
    assert_eq!(file.execute("UPDATE facts SET body = ?1 WHERE kind = 'cutoff'", [body]).unwrap(), 1);
    drop(file);
    let refused = world.bind(world.options(), Stopper::new().1).await.unwrap_err();
    assert!(matches!(refused, ServeError::Feed(PublishError::Signature { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_cas_time_does_not_fall_with_its_clock() {
    let mut world = World::new().await;
    world.advance(Duration::from_hours(1)).await;
    let node = world.node("n1").await;
    let late = node.leaf().not_before;
    world.stop().await;
    world.clock = std::sync::Arc::new(crate::clock::TestClock::new());
    world.start(|_| ()).await;
    let token = world.token("n2", "internal").await;
    let applicant = crate::people::Applicant::new();
    let other = applicant.with(&world.ask_to_join(&token, applicant.csr()).await.unwrap());
    assert!(other.leaf().not_before >= late);
}

/// A peer that answers no PING is dropped by the server after this long at the earliest.
const KEEPALIVE: Duration = Duration::from_secs(10);
