//! The end of a tunnel: cut, drained, lost, abandoned.

use std::future::poll_fn;
use std::io;

use bulkhead_proxy::tunnel::{Broken, Closed, H2Stream, Incoming, OpenError, Stream, Tunnel, TunnelLimits};
use bytes::Bytes;
use tokio::io::AsyncReadExt;

use crate::support::wire::{DATA, Frame, GOAWAY, HEADERS, Peer};
use crate::support::{Ends, client_of, connect, ends, ends_over, request, tcp_pair, within};

#[tokio::test]
async fn a_cut_breaks_every_stream_at_once_on_both_sides() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let (near, far) = stream(&mut ends).await;
        streams.extend([near, far]);
    }
    ends.tunnel.control().cut();
    for stream in &mut streams {
        assert_eq!(within("the break", poll_fn(|cx| stream.poll_receive(cx))).await, Err(Broken::Tunnel));
        assert_eq!(poll_fn(|cx| stream.poll_room(cx, 1)).await, Err(Broken::Tunnel));
    }
    assert_eq!(within("the driver", ends.driver).await.unwrap(), Closed::Cut);
    assert_eq!(ends.tunnel.control().closed().await, Closed::Cut);
    assert_eq!(ends.tunnel.open(&connect()).await.err(), Some(OpenError::Closed));
}

#[tokio::test]
async fn not_one_byte_is_delivered_after_a_cut() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let (mut near, mut far) = stream(&mut ends).await;
    poll_fn(|cx| far.poll_room(cx, 4)).await.unwrap();
    far.send(Bytes::from_static(b"late")).unwrap();
    far.finish().unwrap();
    // The bytes are here: a second stream made the round trip after them.
    let (_second, _) = stream(&mut ends).await;
    ends.tunnel.control().cut();
    assert_eq!(poll_fn(|cx| near.poll_receive(cx)).await, Err(Broken::Tunnel));
}

#[tokio::test]
async fn a_cut_resets_the_connection_beneath() {
    for side in ["client", "server"] {
        let (near, far) = tcp_pair().await;
        let mut ends = ends_over(near, far, &TunnelLimits::default()).await;
        let (_near, _far) = stream(&mut ends).await;
        let (cut, other) = match side {
            "client" => (ends.tunnel.control().clone(), ends.server.clone()),
            _ => (ends.server.clone(), ends.tunnel.control().clone()),
        };
        cut.cut();
        let seen = within("the other side's end", other.closed()).await;
        assert_eq!(seen, Closed::Lost { kind: io::ErrorKind::ConnectionReset }, "cut by the {side}");
    }
}

#[tokio::test]
async fn an_abandoned_driver_resets_the_connection_beneath() {
    let (near, mut far) = tcp_pair().await;
    let limits = TunnelLimits::default();
    let (started, ()) = tokio::join!(bulkhead_proxy::tunnel::client::start(near, &limits), async {
        tokio::io::AsyncWriteExt::write_all(&mut far, &[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    });
    let (tunnel, driver) = started.unwrap();
    drop(driver);
    assert_eq!(tunnel.control().closed().await, Closed::Abandoned);
    let mut rest = Vec::new();
    let error = within("the reset", far.read_to_end(&mut rest)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_drained_tunnel_takes_nothing_new_and_ends_with_its_last_stream() {
    for by_server in [false, true] {
        let mut ends = ends(&TunnelLimits::default()).await;
        let (mut near, mut far) = stream(&mut ends).await;
        let draining = if by_server { &ends.server } else { ends.tunnel.control() };
        draining.drain();
        while ends.tunnel.open(&connect()).await.err() != Some(OpenError::Closed) {
            tokio::task::yield_now().await;
        }
        assert_eq!(ends.tunnel.control().ended(), None, "a stream is open");
        exchange(&mut near, &mut far).await;
        drop((near, far));
        assert_eq!(within("the end", ends.driver).await.unwrap(), Closed::Finished);
        assert_eq!(within("the end", ends.server.closed()).await, Closed::Finished);
    }
}

#[tokio::test]
async fn a_tunnel_without_handles_ends_after_its_last_stream() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let (mut near, mut far) = stream(&mut ends).await;
    drop(ends.tunnel);
    exchange(&mut near, &mut far).await;
    drop((near, far));
    assert_eq!(within("the end", ends.driver).await.unwrap(), Closed::Finished);
}

#[tokio::test]
async fn the_peers_drain_leaves_open_streams_alone_and_excludes_later_ones() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    let asked = connect();
    let (first, ()) = tokio::join!(tunnel.open(&asked), async {
        let asked = peer.expect(HEADERS).await;
        peer.send(&[Frame::answer(asked.stream, 200)]).await;
    });
    let waiting = tokio::spawn({
        let tunnel = tunnel.clone();
        async move { tunnel.open(&connect()).await.err() }
    });
    let second = peer.expect(HEADERS).await.stream;
    peer.send(&[Frame::go_away(second - 2, 0)]).await;
    assert_eq!(within("the verdict", waiting).await.unwrap(), Some(OpenError::Unprocessed));
    assert_eq!(tunnel.room(), 0, "nobody looks here for room again");
    assert_eq!(tunnel.open(&connect()).await.err(), Some(OpenError::Closed));
    peer.send(&[Frame::new(DATA, 0, second - 2, b"still here")]).await;
    let mut first = first.unwrap();
    let received = within("the bytes", poll_fn(|cx| first.poll_receive(cx))).await;
    assert_eq!(received, Ok(Some(Bytes::from_static(b"still here"))));
}

#[tokio::test]
async fn a_tunnel_that_the_peer_drains_has_no_room_after_the_first_request_in_vain() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (tunnel, driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    let asked = connect();
    let (first, first_id) = tokio::join!(tunnel.open(&asked), async {
        let asked = peer.expect(HEADERS).await.stream;
        peer.send(&[Frame::answer(asked, 200)]).await;
        asked
    });
    let mut first = first.unwrap();
    peer.send(&[Frame::go_away(first_id, 0), Frame::new(DATA, 0, first_id, b"a")]).await;
    // What comes after the GOAWAY is here, so it was seen.
    within("a byte", poll_fn(|cx| first.poll_receive(cx))).await.unwrap();
    assert_eq!(tunnel.open(&connect()).await.err(), Some(OpenError::Closed));
    assert_eq!(tunnel.room(), 0);
    assert!(!driver.is_finished(), "a stream is open");
    peer.send(&[Frame::new(DATA, 0, first_id, b"b")]).await;
    assert_eq!(poll_fn(|cx| first.poll_receive(cx)).await, Ok(Some(Bytes::from_static(b"b"))));
}

#[tokio::test]
async fn the_end_of_the_connection_beneath_is_no_clean_end_for_a_stream() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    let asked = connect();
    let (stream, ()) = tokio::join!(tunnel.open(&asked), async {
        let asked = peer.expect(HEADERS).await;
        peer.send(&[Frame::answer(asked.stream, 200), Frame::new(DATA, 0, asked.stream, b"half of it")]).await;
    });
    drop(peer);
    let mut stream = stream.unwrap();
    loop {
        match within("the end", poll_fn(|cx| stream.poll_receive(cx))).await {
            Ok(Some(_)) => {}
            end => break assert_eq!(end, Err(Broken::Tunnel)),
        }
    }
}

#[tokio::test]
async fn a_server_that_drains_says_so_twice() {
    let (mut peer, io) = Peer::client().await;
    let acceptor = bulkhead_proxy::tunnel::server::start(io, &TunnelLimits::default()).await.unwrap();
    let control = bulkhead_proxy::tunnel::Acceptor::control(&acceptor).clone();
    let mut requests = crate::support::requests_of(acceptor);
    peer.send(&[Frame::connect(1, "10.9.0.1:80")]).await;
    let _stream = request(&mut requests).await.accept().unwrap();
    control.drain();
    assert_eq!(peer.expect(GOAWAY).await.number(), (1 << 31) - 1);
    let ping = peer.expect(crate::support::wire::PING).await;
    peer.send(&[Frame { flags: crate::support::wire::ACK, ..ping }]).await;
    assert_eq!(peer.expect(GOAWAY).await.number(), 1);
}

/// A stream as both sides hold it.
async fn stream(ends: &mut Ends) -> (H2Stream, H2Stream) {
    let asked = connect();
    let (near, far) =
        tokio::join!(ends.tunnel.open(&asked), async { request(&mut ends.requests).await.accept().unwrap() });
    (near.unwrap(), far)
}

/// Both sides finish.
async fn exchange(near: &mut H2Stream, far: &mut H2Stream) {
    near.finish().unwrap();
    far.finish().unwrap();
    assert_eq!(within("the end", poll_fn(|cx| near.poll_receive(cx))).await, Ok(None));
    assert_eq!(within("the end", poll_fn(|cx| far.poll_receive(cx))).await, Ok(None));
}
