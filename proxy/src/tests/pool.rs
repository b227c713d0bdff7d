//! Tunnels: used again, opened anew, and gone when they are cut, idle or outdated.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{SAME_LABEL, is_reset, says, within};
use super::world::{World, web};
use crate::limits::ProxyLimits;
use crate::tunnel::TunnelLimits;

fn handshakes(world: &World) -> String {
    let text = world.client.sidecar.metrics.encode();
    let line = text.lines().find(|line| line.starts_with("bulkhead_handshakes_total")).unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_second_connection_costs_no_handshake() {
    let world = World::new(SAME_LABEL).await;
    let _first = world.talk().await;
    let _second = world.talk().await;
    assert_eq!((handshakes(&world).as_str(), world.client.pool.len()), ("1", 1));
}

#[tokio::test]
async fn many_at_once_open_one_tunnel() {
    let world = World::new(SAME_LABEL).await;
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(world.client.call(world.server.address()).await);
    }
    for _ in 0..20 {
        calls.push(within("a call", world.server.app.accept()).await.unwrap().0);
    }
    assert_eq!(handshakes(&world), "1");
}

#[tokio::test]
async fn a_full_tunnel_gets_a_second_one_beside_it_up_to_the_limit() {
    let tunnel = TunnelLimits { streams_accepted: 1, ..TunnelLimits::default() };
    let limits = ProxyLimits { tunnel, tunnels_per_peer: 2, ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let _first = world.talk().await;
    let _second = world.talk().await;
    assert_eq!((handshakes(&world).as_str(), world.client.pool.len()), ("2", 2));
    is_reset(&mut world.client.call(world.server.address()).await).await;
}

#[tokio::test]
async fn a_revocation_cuts_a_live_download_on_both_sides_and_empties_the_pool() {
    for at_the_client in [true, false] {
        let world = World::new(SAME_LABEL).await;
        let (mut client, mut server) = world.talk().await;
        let sending = tokio::spawn(async move {
            let bytes = vec![7; 65_536];
            while server.write_all(&bytes).await.is_ok() {}
            server
        });
        let mut some = vec![0; 1 << 20];
        within("a megabyte", client.read_exact(&mut some)).await.unwrap();
        let (hands, node) = if at_the_client { (&world.client.hands, "n2") } else { (&world.server.hands, "n1") };
        let cut = hands.cut_off_node(node).await;
        assert_eq!(cut, 2, "a tunnel and a connection");
        assert!(hands.registry.live().is_empty());
        is_reset(&mut client).await;
        within("the sender's end", sending).await.unwrap();
        let empty = async {
            while !world.client.pool.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        within("an empty pool", empty).await;
        is_reset(&mut world.client.call(world.server.address()).await).await;
    }
}

#[tokio::test]
async fn a_renewed_certificate_opens_tunnels_of_its_own() {
    let world = World::new(SAME_LABEL).await;
    let (mut client, mut server) = world.talk().await;
    let renewed = web(&world.mesh, 2);
    world.client.hands.own.send_replace(Some(renewed));
    let _second = world.talk().await;
    assert_eq!(handshakes(&world), "2");
    says(&mut client, &mut server, "still here").await;
}

#[tokio::test]
async fn an_idle_tunnel_ends() {
    let limits = ProxyLimits { idle: Duration::from_millis(40), ..ProxyLimits::default() };
    let world = World::with(SAME_LABEL, limits).await;
    let (client, server) = world.talk().await;
    drop((client, server));
    let gone = async {
        while !(world.client.pool.is_empty() && world.server.sidecar.registry.live().is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    within("an end of the idle tunnel", gone).await;
}

#[tokio::test]
async fn a_peer_that_drains_a_tunnel_is_reached_over_another_one() {
    let mut world = World::new(SAME_LABEL).await;
    let (mut client, mut server) = world.talk().await;
    world.server.drain_tunnels();
    // Those that come before the GOAWAY do are still carried by the first tunnel.
    let mut calls = Vec::new();
    while handshakes(&world) != "2" {
        calls.push(world.talk().await);
    }
    says(&mut client, &mut server, "still here").await;
}

#[tokio::test]
async fn a_tunnel_whose_peer_has_vanished_costs_no_connection() {
    let world = World::new(SAME_LABEL).await;
    world.server.door.keep_sockets();
    drop(world.talk().await);
    for handshake in ["2", "3"] {
        only_tunnels_are_left(&world).await;
        world.server.door.vanish();
        let (mut client, mut server) = world.talk().await;
        says(&mut client, &mut server, "hello").await;
        assert_eq!(handshakes(&world), handshake);
    }
}

/// So that the next word in a tunnel is a new connection's.
async fn only_tunnels_are_left(world: &World) {
    let gone = async {
        while world.client.sidecar.registry.live().len() > 1 || world.server.sidecar.registry.live().len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    within("the end of the connections", gone).await;
}
