//! Resets: what an abandoned stream looks like to the peer, and what a peer's reset looks like here.

use std::future::poll_fn;

use bulkhead_proxy::tunnel::client::H2Tunnel;
use bulkhead_proxy::tunnel::{Broken, H2Stream, Incoming, OpenError, Stream, Tunnel, TunnelLimits, server};
use bytes::Bytes;

use crate::support::wire::{CANCEL, CONNECT_ERROR, DATA, END_STREAM, Frame, HEADERS, Peer, RST_STREAM};
use crate::support::{client_of, connect, ends, request, requests_of, within};

#[tokio::test]
async fn an_abandoned_stream_is_a_connect_error_for_the_peer() {
    let ways: [(&str, Abandon); 4] = [
        ("dropped", drop),
        ("reset", |mut stream| stream.reset()),
        ("half-finished, then dropped", |mut stream| stream.finish().unwrap()),
        ("dropped with bytes on the way", |mut stream| {
            let _ = stream.poll_room(&mut std::task::Context::from_waker(std::task::Waker::noop()), 3);
            stream.send(Bytes::from_static(b"abc")).unwrap();
        }),
    ];
    for (name, abandon) in ways {
        let (mut peer, tunnel) = raw_server().await;
        abandon(opened(&mut peer, &tunnel).await);
        assert_eq!(peer.expect(RST_STREAM).await.number(), CONNECT_ERROR, "client, {name}");

        let (mut peer, stream) = accepted().await;
        abandon(stream);
        assert_eq!(peer.expect(RST_STREAM).await.number(), CONNECT_ERROR, "server, {name}");
    }
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_a_connect_error() {
    let (mut peer, tunnel) = raw_server().await;
    let open = tokio::spawn(async move { tunnel.open(&connect()).await.is_ok() });
    peer.expect(HEADERS).await;
    open.abort();
    assert_eq!(peer.expect(RST_STREAM).await.number(), CONNECT_ERROR);
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_a_connect_error() {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    peer.send(&[Frame::connect(1, "10.9.0.1:80")]).await;
    drop(request(&mut requests).await);
    assert_eq!(peer.expect(RST_STREAM).await.number(), CONNECT_ERROR);
}

#[tokio::test]
async fn a_declined_request_may_be_asked_elsewhere() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let asked = connect();
    let (answer, ()) = tokio::join!(ends.tunnel.open(&asked), async { request(&mut ends.requests).await.decline() });
    assert_eq!(answer.err(), Some(OpenError::Unprocessed));
}

#[tokio::test]
async fn a_request_learns_that_nobody_waits_for_its_answer() {
    for cut in [false, true] {
        let mut ends = ends(&TunnelLimits::default()).await;
        let tunnel = ends.tunnel.clone();
        let open = tokio::spawn(async move { tunnel.open(&connect()).await.is_ok() });
        let mut waiting = request(&mut ends.requests).await;
        assert!(futures_util::FutureExt::now_or_never(poll_fn(|cx| waiting.poll_broken(cx))).is_none());
        let expected = if cut {
            ends.server.cut();
            Broken::Tunnel
        } else {
            open.abort();
            Broken::Reset { code: CONNECT_ERROR }
        };
        assert_eq!(within("the end", poll_fn(|cx| waiting.poll_broken(cx))).await, expected);
    }
}

#[tokio::test]
async fn a_finished_stream_is_not_reset() {
    let (mut peer, mut stream) = accepted().await;
    stream.finish().unwrap();
    peer.send(&[Frame::new(DATA, END_STREAM, 1, b"")]).await;
    assert_eq!(poll_fn(|cx| stream.poll_receive(cx)).await, Ok(None));
    drop(stream);
    let seen = peer.drain().await;
    assert!(seen.iter().any(|frame| frame.kind == DATA && frame.flags == END_STREAM), "{seen:?}");
    assert!(seen.iter().all(|frame| frame.kind != RST_STREAM), "{seen:?}");
}

#[tokio::test]
async fn bytes_before_an_end_are_sent_although_the_handle_is_gone() {
    let (mut peer, mut stream) = accepted().await;
    peer.send(&[Frame::new(DATA, END_STREAM, 1, b"")]).await;
    assert_eq!(poll_fn(|cx| stream.poll_receive(cx)).await, Ok(None));
    let room = poll_fn(|cx| stream.poll_room(cx, 60_000)).await.unwrap();
    stream.send(Bytes::from(vec![7; room])).unwrap();
    stream.finish().unwrap();
    drop(stream);
    let (mut length, mut ended) = (0, false);
    while !ended {
        let data = peer.expect(DATA).await;
        (length, ended) = (length + data.payload.len(), data.flags == END_STREAM);
    }
    assert_eq!(length, room);
    assert!(peer.drain().await.iter().all(|frame| frame.kind != RST_STREAM));
}

#[tokio::test]
async fn every_reset_of_the_peer_but_no_error_is_an_abort() {
    for (code, expected) in [
        (CONNECT_ERROR, Err(Broken::Reset { code: CONNECT_ERROR })),
        (CANCEL, Err(Broken::Reset { code: CANCEL })),
        (2, Err(Broken::Reset { code: 2 })),
        (0, Ok(None)),
    ] {
        let (mut peer, mut stream) = accepted().await;
        peer.send(&[Frame::reset(1, code)]).await;
        assert_eq!(within("the end", poll_fn(|cx| stream.poll_receive(cx))).await, expected, "code {code}");
    }
}

#[tokio::test]
async fn a_reset_is_seen_by_the_sending_direction_too() {
    for (code, expected) in [(CONNECT_ERROR, Broken::Reset { code: CONNECT_ERROR }), (0, Broken::Unread)] {
        let (mut peer, mut stream) = accepted().await;
        peer.send(&[Frame::new(DATA, END_STREAM, 1, b"")]).await;
        assert_eq!(poll_fn(|cx| stream.poll_receive(cx)).await, Ok(None));
        peer.send(&[Frame::reset(1, code)]).await;
        assert_eq!(within("the reset", poll_fn(|cx| stream.poll_broken(cx))).await, expected);
        assert_eq!(poll_fn(|cx| stream.poll_room(cx, 1)).await, Err(expected));
    }
}

#[tokio::test]
async fn bytes_before_a_reset_are_received() {
    let (mut peer, mut stream) = accepted().await;
    peer.send(&[Frame::new(DATA, 0, 1, b"last words"), Frame::reset(1, CONNECT_ERROR)]).await;
    peer.drain().await;
    assert_eq!(poll_fn(|cx| stream.poll_receive(cx)).await, Ok(Some(Bytes::from_static(b"last words"))));
    assert_eq!(poll_fn(|cx| stream.poll_receive(cx)).await, Err(Broken::Reset { code: CONNECT_ERROR }));
}

#[tokio::test]
async fn a_reset_before_an_answer_is_a_broken_open() {
    for (code, expected) in [
        (CANCEL, OpenError::Broken(Broken::Reset { code: CANCEL })),
        (0, OpenError::Broken(Broken::Reset { code: 0 })),
        (7, OpenError::Unprocessed),
    ] {
        let (mut peer, tunnel) = raw_server().await;
        let open = tokio::spawn(async move { tunnel.open(&connect()).await.err() });
        let asked = peer.expect(HEADERS).await;
        peer.send(&[Frame::reset(asked.stream, code)]).await;
        assert_eq!(within("the failure", open).await.unwrap(), Some(expected));
    }
}

type Abandon = fn(H2Stream);

async fn raw_server() -> (Peer, H2Tunnel) {
    let (mut peer, io) = Peer::server(&[]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    (peer, tunnel)
}

async fn opened(peer: &mut Peer, tunnel: &H2Tunnel) -> H2Stream {
    let asked = connect();
    let (stream, ()) = tokio::join!(tunnel.open(&asked), async {
        let asked = peer.expect(HEADERS).await;
        peer.send(&[Frame::answer(asked.stream, 200)]).await;
    });
    stream.unwrap()
}

/// A server's stream, opened by a raw client that has seen the 200.
async fn accepted() -> (Peer, H2Stream) {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    peer.send(&[Frame::connect(1, "10.9.0.1:80")]).await;
    let stream = request(&mut requests).await.accept().unwrap();
    peer.expect(HEADERS).await;
    (peer, stream)
}
