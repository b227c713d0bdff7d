//! Limits: what callers may cost before anybody knows who they are, and after.

use std::time::Duration;

use bulkhead_identity::Demand;
use bulkhead_identity::tls::unused_server_name;
use bulkhead_mesh::ControlRole;
use bulkhead_protocol::transport::{ConnectError, ConnectLimits, connect};
use bulkhead_protocol::v1::JoinRequest;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Code;

use crate::people::Applicant;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{DEADLINE, World, soon};

const MOMENT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn who_opens_the_port_and_says_nothing_is_dropped() {
    let world = World::with(|options| options.strangers.accept.handshake = MOMENT).await;
    let mut silent = TcpStream::connect(world.address()).await.unwrap();
    assert_eq!(soon(silent.read(&mut [0; 16])).await.unwrap(), 0);
    assert_eq!(world.ca().metrics.refused_handshakes.get(), 1);
}

#[tokio::test]
async fn no_more_handshakes_are_under_way_than_were_allowed() {
    let world = World::with(|options| {
        options.strangers.accept.handshakes = 1;
        options.strangers.accept.handshake = DEADLINE;
    });
    let world = world.await;
    let silent = TcpStream::connect(world.address()).await.unwrap();
    let limits = ConnectLimits { connect: MOMENT, keepalive: DEADLINE };
    let waiting = connect(&[world.address().to_owned()], &world.connector(None), limits).await;
    assert!(matches!(waiting, Err(ConnectError::TooSlow { .. })), "{waiting:?}");
    drop(silent);
    world.connect(None).await.unwrap();
}

#[tokio::test]
async fn strangers_have_few_places_and_others_do_not_need_one() {
    let world = World::with(|options| options.strangers.connections = 1).await;
    let first = world.connect(None).await.unwrap();
    assert!(world.connect(None).await.is_err());
    world.channel(&world.founder).await;
    drop(first);
    let place = async {
        while world.connect(None).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(place).await;
}

#[tokio::test]
async fn a_stranger_does_not_stay_for_ever() {
    let world = World::with(|options| options.strangers.age = MOMENT).await;
    let tcp = TcpStream::connect(world.address()).await.unwrap();
    let (config, _slot) = world.connector(None).begin(Demand::control(ControlRole::Ca));
    let mut stranger = TlsConnector::from(config).connect(unused_server_name(), tcp).await.unwrap();
    // Ended with or without a farewell: what counts is that it ends.
    let _ = soon(stranger.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_before_it_is_read() {
    let world = World::new().await;
    let request = JoinRequest { secret: vec![1; 32], csr: vec![0; 65 * 1024] };
    let refused = world.stranger().await.join(request).await;
    assert_refused(refused, Code::OutOfRange, "too large");
    let request = JoinRequest { secret: vec![1; 32], csr: Applicant::new().csr() };
    assert_refused(world.stranger().await.join(request).await, Code::PermissionDenied, "no token has this secret");
}

#[tokio::test]
async fn a_watcher_that_does_not_say_hello_is_dropped_by_the_limit_that_was_set() {
    let world = World::with(|options| options.settings.watch.hello = MOMENT).await;
    let node = world.node("n1").await;
    let mut watcher = Watcher::open(world.channel(&node).await).await.unwrap();
    let ended = watcher.ended().await;
    assert_refused(Err::<(), _>(ended), Code::DeadlineExceeded, "no Hello came within 50ms");
}
