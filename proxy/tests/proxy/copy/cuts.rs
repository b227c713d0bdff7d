//! A cut is a reset for both applications, wherever it comes from.

use std::io;

use bulkhead_proxy::copy::{Counts, How, copy};
use bulkhead_proxy::tunnel::{Incoming, TunnelLimits, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::path::path;
use crate::support::wire::{DATA, END_STREAM, Frame, HEADERS, Peer};
use crate::support::{ends, request, requests_of, tcp_pair, within};

#[tokio::test]
async fn a_cut_copy_is_a_reset_for_both_applications() {
    for outbound in [true, false] {
        let mut ends = ends(&TunnelLimits::default()).await;
        let mut path = path(&mut ends).await;
        path.server.write_all(b"half of the answer").await.unwrap();
        path.client.read_exact(&mut [0; 4]).await.unwrap();
        let (cut, other) = if outbound { (path.outbound, path.inbound) } else { (path.inbound, path.outbound) };
        assert_eq!(cut.cut("revoked").await.how, How::Cut("revoked"));
        assert_eq!(other.ended().await.how, How::ResetByPeer(0xa));
        assert_eq!(end_of(&mut path.client).await, Some(io::ErrorKind::ConnectionReset));
        assert_eq!(end_of(&mut path.server).await, Some(io::ErrorKind::ConnectionReset));
    }
}

#[tokio::test]
async fn a_cut_tunnel_is_a_reset_for_all_applications() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut paths = Vec::new();
    for _ in 0..10 {
        paths.push(path(&mut ends).await);
    }
    ends.server.cut();
    for mut path in paths {
        assert_eq!(end_of(&mut path.client).await, Some(io::ErrorKind::ConnectionReset));
        assert_eq!(end_of(&mut path.server).await, Some(io::ErrorKind::ConnectionReset));
        assert_eq!(path.outbound.ended().await.how, How::TunnelEnded);
        assert_eq!(path.inbound.ended().await.how, How::TunnelEnded);
    }
}

#[tokio::test]
async fn a_dropped_copy_is_a_reset_for_its_application() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut path = path(&mut ends).await;
    path.outbound.abort();
    assert_eq!(end_of(&mut path.client).await, Some(io::ErrorKind::ConnectionReset));
    assert_eq!(end_of(&mut path.server).await, Some(io::ErrorKind::ConnectionReset));
}

/// A peer may have its complete answer sent and not care for the rest of the question (RFC 9113, section 8.1).
#[tokio::test]
async fn a_peer_that_has_finished_and_reads_no_more_is_a_clean_end() {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    peer.send(&[Frame::connect(1, "10.9.0.1:80")]).await;
    let stream = request(&mut requests).await.accept().unwrap();
    peer.expect(HEADERS).await;
    let (mut app, ours) = tcp_pair().await;
    let copying = tokio::spawn(copy(ours, stream, Counts::default().into(), std::future::pending::<()>()));
    peer.send(&[Frame::new(DATA, END_STREAM, 1, b"all of it"), Frame::reset(1, 0)]).await;
    app.write_all(&[0; 10_000]).await.unwrap();
    let mut got = Vec::new();
    within("the end of file", app.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"all of it");
    app.shutdown().await.unwrap();
    assert_eq!(within("the end", copying).await.unwrap().how, How::Finished);
}

/// How reading ends: `None` for an end of file.
async fn end_of(socket: &mut TcpStream) -> Option<io::ErrorKind> {
    within("the end", socket.read_to_end(&mut Vec::new())).await.err().map(|error| error.kind())
}
