//! One connection that does not move hinders no other one, and costs no more than a window.

use bulkhead_proxy::copy::How;
use bulkhead_proxy::tunnel::{Tunnel, TunnelLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::path::path;
use crate::support::{ends, fill, within};

#[tokio::test]
async fn one_stuck_reader_beside_fifty_live_connections() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut stuck = path(&mut ends).await;
    let written = fill(&stuck.server).await;
    for _ in 0..50 {
        let mut live = path(&mut ends).await;
        let (body, mut got) = (vec![3; 1 << 20], vec![0; 1 << 20]);
        let moved = async { tokio::join!(live.server.write_all(&body), live.client.read_exact(&mut got)) };
        within("a live connection", moved).await.1.unwrap();
    }
    let mut got = vec![0; written];
    within("the stuck connection's own bytes", stuck.client.read_exact(&mut got)).await.unwrap();
    assert!(got.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn a_stuck_reader_holds_one_window_and_no_more() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let stuck = path(&mut ends).await;
    fill(&stuck.server).await;
    let between = stuck.inbound.counts.up() - stuck.outbound.counts.down();
    let most = 4 * 1024 * 1024 + 512 * 1024;
    assert!((1..=most).contains(&between), "{between} bytes between the two proxies");
}

#[tokio::test]
async fn a_flood_of_small_writes_at_a_reader_that_pauses_does_not_end_the_tunnel() {
    // Were the frames left where they arrive, a third of them would exceed this.
    let limits = TunnelLimits { small_frames: 3 << 20, ..TunnelLimits::default() };
    let mut ends = ends(&limits).await;
    let mut path = path(&mut ends).await;
    path.server.set_nodelay(true).unwrap();
    let mut sent = 0;
    for _ in 0..40_000 {
        // A turn for the proxy after each, so that each becomes a frame of its own.
        sent += path.server.try_write(&[9; 16]).unwrap_or(0);
        tokio::task::yield_now().await;
    }
    path.server.shutdown().await.unwrap();
    let mut got = Vec::new();
    within("the flood", path.client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got.len(), sent);
    assert_eq!(ends.tunnel.control().ended(), None);
    drop(path.client);
    assert_eq!(path.inbound.ended().await.how, How::Finished);
}
