//! Peers that do not keep to the protocol.

use std::time::Duration;

use bulkhead_proxy::tunnel::{Acceptor, Closed, StartError, TunnelLimits, client, server};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use crate::support::wire::{CANCEL, Frame, GOAWAY, Peer};
use crate::support::{requests_of, within};

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_not_waited_for() {
    let limits = TunnelLimits::default();
    let (_quiet, io) = tokio::io::duplex(1 << 16);
    assert!(matches!(server::start(io, &limits).await, Err(StartError::Timeout { limit }) if limit.as_secs() == 10));
    let (_quiet, io) = tokio::io::duplex(1 << 16);
    let refused = client::start(io, &limits).await.map(drop);
    assert!(matches!(refused, Err(StartError::Timeout { limit }) if limit == Duration::from_secs(10)));
}

#[tokio::test]
async fn a_peer_that_hangs_up_has_no_tunnel() {
    let limits = TunnelLimits::default();
    let (gone, io) = tokio::io::duplex(1 << 16);
    drop(gone);
    assert!(matches!(client::start(io, &limits).await.map(drop), Err(StartError::Ended(_))));
}

#[tokio::test]
async fn rapid_resets_end_the_tunnel() {
    let (mut peer, io) = Peer::client().await;
    let mut acceptor = server::start(io, &TunnelLimits::default()).await.unwrap();
    let control = acceptor.control().clone();
    let storm: Vec<Frame> =
        (0..500).flat_map(|n| [Frame::connect(2 * n + 1, "10.9.0.1:80"), Frame::reset(2 * n + 1, CANCEL)]).collect();
    peer.send(&storm).await;
    while acceptor.accept().await.is_some() {}
    assert_eq!(control.ended(), Some(Closed::Protocol { code: ENHANCE_YOUR_CALM, by_peer: false }));
    assert_eq!(peer.expect(GOAWAY).await.payload[4..8], ENHANCE_YOUR_CALM.to_be_bytes());
}

#[tokio::test]
async fn more_streams_than_allowed_are_refused_one_by_one() {
    let (mut peer, io) = Peer::client().await;
    let limits = TunnelLimits { streams_accepted: 3, ..TunnelLimits::default() };
    let _requests = requests_of(server::start(io, &limits).await.unwrap());
    peer.drain().await;
    let asked: Vec<Frame> = (0..5).map(|n| Frame::connect(2 * n + 1, "10.9.0.1:80")).collect();
    peer.send(&asked).await;
    let refused = peer.drain().await;
    assert_eq!(refused.iter().filter(|frame| frame == &&Frame::reset(frame.stream, REFUSED_STREAM)).count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_tunnel_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..512), begun in any::<bool>()) {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
            let (mut peer, io) = if begun { Peer::client().await } else {
                let (near, far) = tokio::io::duplex(1 << 16);
                (Peer(near), far)
            };
            peer.0.write_all(&bytes).await.unwrap();
            peer.0.shutdown().await.unwrap();
            if let Ok(mut acceptor) = server::start(io, &TunnelLimits::default()).await {
                within("the end", async { while acceptor.accept().await.is_some() {} }).await;
            }
        });
    }
}

/// RFC 9113, section 7.
const ENHANCE_YOUR_CALM: u32 = 0xb;
const REFUSED_STREAM: u32 = 7;
