//! A tunnel that carries as many streams as it may says so instead of queueing.

use bulkhead_proxy::tunnel::{OpenError, Tunnel, TunnelLimits};

use crate::support::wire::{Frame, HEADERS, MAX_CONCURRENT_STREAMS, Peer, RST_STREAM};
use crate::support::{client_of, connect, within};

#[tokio::test]
async fn a_peer_that_takes_no_stream_is_full_from_the_start() {
    let (_peer, io) = Peer::server(&[(MAX_CONCURRENT_STREAMS, 0)]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    assert_eq!(tunnel.room(), 0);
    assert_eq!(within("an answer", tunnel.open(&connect())).await.err(), Some(OpenError::Full { limit: 0 }));
}

#[tokio::test]
async fn a_peer_that_takes_one_stream_is_full_until_it_ends() {
    let (mut peer, io) = Peer::server(&[(MAX_CONCURRENT_STREAMS, 1)]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    for _ in 0..3 {
        let asked = connect();
        let (first, second) = tokio::join!(tunnel.open(&asked), async {
            let second = tunnel.open(&asked).await.err();
            let asked = peer.expect(HEADERS).await;
            peer.send(&[Frame::answer(asked.stream, 200)]).await;
            second
        });
        assert_eq!(second, Some(OpenError::Full { limit: 1 }));
        drop(first.unwrap());
        peer.expect(RST_STREAM).await;
    }
}

#[tokio::test]
async fn a_limit_lowered_and_raised_at_run_time_counts_at_once() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    for (limit, room) in [(0, 0), (5, 5), (1000, 100)] {
        peer.send(&[Frame::settings(&[(MAX_CONCURRENT_STREAMS, limit)])]).await;
        peer.drain().await;
        assert_eq!(tunnel.room(), room);
    }
}

#[tokio::test]
async fn our_own_limit_counts_where_the_peer_has_none() {
    let (_peer, io) = Peer::server(&[]).await;
    let limits = TunnelLimits { streams_opened: 2, ..TunnelLimits::default() };
    let (tunnel, _driver) = client_of(io, &limits).await;
    let opening: Vec<_> = (0..2).map(|_| tokio::spawn(hold(tunnel.clone()))).collect();
    while tunnel.room() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tunnel.open(&connect()).await.err(), Some(OpenError::Full { limit: 2 }));
    for task in opening {
        task.abort();
        let _ = task.await;
    }
    assert_eq!(tunnel.room(), 2);
}

async fn hold(tunnel: impl Tunnel) {
    let _ = tunnel.open(&connect()).await;
}
