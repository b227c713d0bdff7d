//! Signs of life, with a clock that jumps.

use std::time::Duration;

use bulkhead_proxy::tunnel::{Closed, Tunnel, TunnelLimits};
use tokio::time::Instant;

use crate::support::client_of;
use crate::support::wire::{ACK, Frame, PING, Peer};

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_after_10_s_and_given_up_after_30_s() {
    let (mut peer, io) = Peer::server(&[]).await;
    let start = Instant::now();
    let (tunnel, driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    peer.expect(PING).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(driver.await.unwrap(), Closed::Silent);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(tunnel.control().ended(), Some(Closed::Silent));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_is_asked_every_10_s_and_kept() {
    let (mut peer, io) = Peer::server(&[]).await;
    let start = Instant::now();
    let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    for round in 1..=20 {
        let ping = peer.expect(PING).await;
        assert_eq!(start.elapsed().as_secs(), 10 * round);
        peer.send(&[Frame { flags: ACK, ..ping }]).await;
    }
    assert_eq!(tunnel.control().ended(), None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_talks_is_not_asked() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (_tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(peer.drain().await.iter().all(|frame| frame.kind != PING));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_queues_behind_data_is_waited_for() {
    let (mut peer, io) = Peer::server(&[]).await;
    let start = Instant::now();
    let (_tunnel, driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    peer.expect(PING).await;
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(15)).await;
        peer.send(&[Frame::settings(&[])]).await;
        peer.next().await;
    }
    assert!(!driver.is_finished());
    assert_eq!(driver.await.unwrap(), Closed::Silent);
    assert_eq!(start.elapsed().as_secs(), 10 + 150 + 20);
}
