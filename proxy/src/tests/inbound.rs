//! Connections to a workload: decided by the server, whatever the client has decided.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::lines::{connection, line, tunnelled};
use super::support::{SAME_LABEL, is_reset, says, within};
use super::world::{LEFT, World};
use crate::limits::ProxyLimits;
use crate::tunnel::{Connect, OpenError};

#[tokio::test]
async fn the_servers_policy_refuses_a_client_that_keeps_no_rule() {
    let world = World::new(SAME_LABEL).await;
    let deny = r#"{ "name": "no-web", "deny": { "from": { "identity": "ns/shop/sa/web" }, "to": "any" } }"#;
    world.server.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "rules": [{deny}] }}"#)));
    let tunnel = world.client.rogue(&world.server).await.unwrap();
    let target = world.server.address();
    let client = "10.9.0.1:7".parse().unwrap();
    let answer = tunnel.open(&Connect { target, client: Some(client) }).await;
    assert_eq!(answer.err(), Some(OpenError::Refused { status: 401 }));
    let line = tunnelled(client, target).await;
    assert_eq!(
        line["from"].as_str().unwrap().split(':').next(),
        Some("127.0.0.1"),
        "the socket's, not the claim: {line}"
    );
    assert_eq!((&line["reason"], &line["rule"]), (&"denied".into(), &"rule `no-web`".into()));
}

#[tokio::test]
async fn a_target_that_is_not_this_workload_is_refused_and_the_tunnel_stays() {
    let world = World::new(SAME_LABEL).await;
    let link = world.client.rogue(&world.server).await.unwrap();
    let tunnels = format!("127.0.2.1:{}", world.server.tunnels());
    for target in [
        "127.0.0.1:80",
        "[::1]:80",
        "169.254.169.254:80",
        "0.0.0.0:80",
        "224.0.0.1:80",
        "127.0.2.9:80",
        "127.0.2.1:15001",
        "127.0.2.1:15020",
        "127.0.2.1:15021",
        &tunnels,
    ] {
        let answer = link.open(&Connect { target: target.parse().unwrap(), client: None }).await;
        assert_eq!(answer.err(), Some(OpenError::Refused { status: 400 }), "{target}");
    }
    let nobody = std::net::TcpListener::bind("127.0.2.1:0").unwrap().local_addr().unwrap();
    let answer = link.open(&Connect { target: nobody, client: None }).await;
    assert_eq!(answer.err(), Some(OpenError::Refused { status: 503 }));
    assert!(link.open(&Connect { target: world.server.address(), client: None }).await.is_ok());
}

#[tokio::test]
async fn a_target_that_has_left_this_host_is_refused_and_not_called_elsewhere() {
    let world = World::new(SAME_LABEL).await;
    let tunnel = world.client.rogue(&world.server).await.unwrap();
    let (target, client) = (SocketAddr::new(LEFT, 5432), "10.9.0.1:8".parse().unwrap());
    let answer = within("the refusal", tunnel.open(&Connect { target, client: Some(client) })).await;
    assert_eq!(answer.err(), Some(OpenError::Refused { status: 400 }));
    let line = tunnelled(client, target).await;
    assert!(line["detail"].to_string().contains("not an address of this host any more"), "{line}");
}

#[tokio::test]
async fn who_says_nothing_or_nonsense_is_dropped_and_counted() {
    let limits = ProxyLimits { handshake: Duration::from_millis(50), ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let mut silent = world.server.knock().await;
    let mut rest = Vec::new();
    // What a server says first in vain is an alert or nothing; the end is what counts.
    let _ = within("the end of the silent", silent.read_to_end(&mut rest)).await;
    let mut garbage = world.server.knock().await;
    garbage.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let _ = within("the end of the garbage", garbage.read_to_end(&mut rest)).await;
    for (socket, reason) in [(&silent, "timeout"), (&garbage, "protocol")] {
        let from = socket.local_addr().unwrap().to_string();
        line(&[("message", "no tunnel"), ("from", &from), ("reason", reason)]).await;
        let counted = format!(r#"bulkhead_handshakes_refused_total{{direction="inbound",reason="{reason}"}} 1"#);
        assert!(world.server.sidecar.metrics.encode().contains(&counted), "{counted}");
    }
}

#[tokio::test]
async fn who_says_nothing_takes_no_place_of_a_tunnel() {
    let limits = ProxyLimits { handshakes: 2, tunnels_accepted: 1, ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let _silent = world.server.knock().await;
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "a place was left").await;
}

#[tokio::test]
async fn more_handshakes_than_may_be_under_way_are_refused_at_once() {
    let limits = ProxyLimits { handshakes: 1, ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let _silent = world.server.knock().await;
    assert!(world.client.rogue(&world.server).await.is_err());
    let counted = r#"bulkhead_handshakes_refused_total{direction="inbound",reason="too-many"} 1"#;
    assert!(world.server.sidecar.metrics.encode().contains(counted));
}

#[tokio::test]
async fn in_clear_nobody_is_let_in_without_a_rule() {
    let world = World::new(SAME_LABEL).await;
    let to = world.server.address();
    let (mut client, _) = world.server.plain_call(to).await;
    is_reset(&mut client).await;
    let line = connection("inbound", client.local_addr().unwrap(), to).await;
    assert_eq!(line["reason"], "denied");
    assert!(line["hint"].to_string().contains("unauthenticated"), "{line}");
    let rule = r#"{ "name": "probes", "allow": { "from": "unauthenticated", "to": "any" } }"#;
    world.server.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "rules": [{rule}] }}"#)));
    let (mut client, _) = world.server.plain_call(to).await;
    let (mut server, _) = within("the call", world.server.app.accept()).await.unwrap();
    says(&mut client, &mut server, "are you well").await;
}

#[tokio::test]
async fn a_revoked_client_gets_no_tunnel() {
    let world = World::new(SAME_LABEL).await;
    world.server.hands.cut_off_node("n1").await;
    assert!(world.client.rogue(&world.server).await.is_err());
    let counted = r#"bulkhead_handshakes_refused_total{direction="inbound",reason="peer-not-believed"} 1"#;
    assert!(world.server.sidecar.metrics.encode().contains(counted));
}

#[tokio::test]
async fn a_proxy_that_stops_lets_connections_end() {
    let world = World::new(SAME_LABEL).await;
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "before").await;
    world.server.stopper.stop();
    says(&mut client, &mut server, "after").await;
    assert_eq!(world.server.sidecar.registry.drain(), 2, "a tunnel and a connection");
    is_reset(&mut client).await;
    is_reset(&mut server).await;
}

#[tokio::test]
async fn a_request_that_is_reset_leaves_no_attempt_to_connect() {
    let limits = ProxyLimits { connect: Duration::from_hours(1), ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let tunnel = world.client.rogue(&world.server).await.unwrap();
    let (_deaf, target) = Deaf::listen().await;
    let live = world.server.sidecar.registry.live();
    for _ in 0..50 {
        let asked = Connect { target, client: None };
        tokio::select! {
            _ = tunnel.open(&asked) => panic!("nobody answers there"),
            () = within("the attempt", until(|| live.len() == 2)) => {}
        }
        within("the end of the attempt", until(|| live.len() == 1)).await;
    }
}

/// A listener with a full backlog, which the kernel does not answer for.
struct Deaf {
    _listener: TcpListener,
    _waiting: [TcpStream; 2],
}

impl Deaf {
    async fn listen() -> (Self, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.2.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // One more than the backlog fits.
        let (one, two) = tokio::join!(TcpStream::connect(address), TcpStream::connect(address));
        let waiting = [one.unwrap(), two.unwrap()];
        (Self { _listener: listener, _waiting: waiting }, address)
    }
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}
