//! What the port answers to whom, its limits and its end; and the check that needs nothing but a connection.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};

use bulkhead_mesh::probe::{Check, Probe, ProbeKind, Probes, Scheme};
use tokio::net::TcpStream;

use super::world::{LIVENESS, World, answer, get, held, is_over, listen};
use crate::capture::Ports;
use crate::limits::ProxyLimits;
use crate::probes::{ProbePort, find_own_port};
use crate::tests::support::within;
use crate::tests::world::SERVER;

#[tokio::test]
async fn what_is_not_listed_is_not_there() {
    let (_app, port) = listen().await;
    let world = World::asking(Check::Tcp { port });
    for (path, expected) in [
        ("/live", 200),
        ("/ready", 503),
        (LIVENESS, 200),
        ("/probe/app/readiness", 404),
        ("/probe/db/liveness", 404),
        ("/probe/app/lively", 404),
        ("/probe/app/liveness/", 404),
        ("/probe/../live", 404),
        ("/metrics", 404),
        ("/", 404),
    ] {
        let (status, said) = world.ask(path).await;
        assert_eq!(status, expected, "{path}: {said}");
    }
    assert!(world.ask("/").await.1.contains("/probe/CONTAINER/KIND"));
    assert!(world.ask("/ready").await.1.contains("policy"), "as on the admin port");
}

#[tokio::test]
async fn other_methods_than_get_are_refused() {
    let (_app, port) = listen().await;
    let world = World::asking(Check::Tcp { port });
    for method in ["POST", "HEAD", "DELETE"] {
        let request = format!("{method} {LIVENESS} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n");
        let (status, said) = answer(world.say(&request).await).await;
        assert_eq!(status, 405, "{said}");
        assert!(said.contains("allow: GET"), "{said}");
    }
}

#[tokio::test]
async fn a_connection_is_all_that_a_tcp_check_asks_for() {
    let (app, port) = listen().await;
    let world = World::asking(Check::Tcp { port });
    world.check(200, "ok").await;
    is_over(within("the check", app.accept()).await.unwrap().0).await;
    world.until_counted("passed", 1).await;

    let (_held, port) = held(SERVER);
    let world = World::asking(Check::Tcp { port });
    world.check(503, &format!("cannot connect to {SERVER}:{port}: Connection refused")).await;
    world.check(503, &format!("the liveness probe of container `app` (a connection on port {port}) failed")).await;
    world.until_counted("unreachable", 2).await;
}

#[tokio::test]
async fn a_check_does_not_outlive_its_timeout() {
    let (app, port) = listen().await;
    let world = World::with(get(Scheme::Http, port), 1, ProxyLimits::default());
    world.check(503, "there was no answer within 1 s").await;
    is_over(within("the check", app.accept()).await.unwrap().0).await;
    world.until_counted("timeout", 1).await;
}

#[tokio::test]
async fn more_checks_than_may_be_under_way_are_refused_at_once() {
    let (app, port) = listen().await;
    let world = World::with(get(Scheme::Http, port), 30, ProxyLimits { probes: 1, ..ProxyLimits::default() });
    let first = world.begin(LIVENESS).await;
    let (asked, _) = within("the check", app.accept()).await.unwrap();
    world.check(503, "are under way already (1, `--max-probes`)").await;
    world.until_counted("too-many", 1).await;
    drop(asked);
    assert_eq!(answer(first).await.0, 503);
    world.until_counted("failed", 1).await;
}

#[tokio::test]
async fn a_check_ends_with_whoever_asked() {
    let (app, port) = listen().await;
    let world = World::asking(get(Scheme::Http, port));
    let asking = world.begin(LIVENESS).await;
    let (asked, _) = within("the check", app.accept()).await.unwrap();
    drop(asking);
    is_over(asked).await;
    world.until_counted("abandoned", 1).await;
}

#[tokio::test]
async fn the_stop_ends_the_port_and_what_is_under_way() {
    let (app, port) = listen().await;
    let world = World::asking(get(Scheme::Http, port));
    let asking = world.begin(LIVENESS).await;
    let (asked, _) = within("the check", app.accept()).await.unwrap();
    world.stopper.stop();
    is_over(asking).await;
    is_over(asked).await;
    world.until_counted("abandoned", 1).await;
    within("the end of the port", world.serving).await.unwrap();
}

#[tokio::test]
async fn the_unspecified_address_of_ipv6_means_ipv4_too() {
    for (address, there) in [("[::]:0", "127.0.5.1"), ("0.0.0.0:0", "127.0.5.1"), ("127.0.5.1:0", "127.0.5.1")] {
        let open = ProbePort::bind(address.parse().unwrap()).unwrap();
        let there = SocketAddr::new(there.parse::<IpAddr>().unwrap(), open.port());
        assert!(TcpStream::connect(there).await.is_ok(), "{address}");
    }
    assert!(ProbePort::bind("192.0.2.1:0".parse().unwrap()).is_err(), "nobody has this address");
}

#[test]
fn a_probe_of_the_proxys_own_port_is_found() {
    let ports = Ports { probe: Some(Probe::PORT), ..Ports::default() };
    for (port, own) in [(8080, false), (15001, true), (15006, true), (15008, true), (15020, true), (15021, false)] {
        let check = Check::Tcp { port: NonZeroU16::new(port).unwrap() };
        let container = "app".parse().unwrap();
        let probe = Probe { container, kind: ProbeKind::Startup, check, timeout_seconds: NonZeroU32::MIN };
        assert_eq!(find_own_port(&Probes::new(vec![probe]).unwrap(), ports).is_some(), own, "{port}");
    }
}
