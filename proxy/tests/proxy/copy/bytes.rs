//! Every byte arrives, once and in order, and is counted.

use bulkhead_proxy::copy::{Ended, How};
use bulkhead_proxy::tunnel::TunnelLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::path::path;
use crate::support::{ends, ends_over, tcp_pair, within};

#[tokio::test]
async fn sixteen_mebibytes_and_a_close_at_once_arrive_whole() {
    let (near, far) = tcp_pair().await;
    let mut ends = ends_over(near, far, &TunnelLimits::default()).await;
    let body = pattern(16 << 20);
    for round in 0..60 {
        let mut path = path(&mut ends).await;
        path.client.write_all(b"GET").await.unwrap();
        path.client.shutdown().await.unwrap();
        let mut answered = path.server;
        let (got, ()) = tokio::join!(all(&mut path.client), async {
            let mut asked = Vec::new();
            answered.read_to_end(&mut asked).await.unwrap();
            answered.write_all(&body).await.unwrap();
            drop(answered);
        });
        assert!(got == body, "round {round}: {} bytes of {}", got.len(), body.len());
        let size = body.len() as u64;
        assert_eq!(path.outbound.ended().await, Ended { how: How::Finished, up: 3, down: size });
        assert_eq!(path.inbound.ended().await, Ended { how: How::Finished, up: size, down: 3 });
    }
}

#[tokio::test]
async fn what_the_kernel_holds_when_the_copy_ends_arrives_all_the_same() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut path = path(&mut ends).await;
    path.client.shutdown().await.unwrap();
    path.server.write_all(&pattern(1 << 20)).await.unwrap();
    drop(path.server);
    assert_eq!(path.inbound.ended().await.how, How::Finished);
    assert_eq!(path.outbound.ended().await.how, How::Finished);
    assert!(all(&mut path.client).await == pattern(1 << 20));
}

#[tokio::test]
async fn both_directions_at_once_arrive_whole() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut path = path(&mut ends).await;
    let (there, back) = (pattern(5_000_001), pattern(7_000_003));
    let (mut client_reads, mut client_writes) = path.client.split();
    let (mut server_reads, mut server_writes) = path.server.split();
    let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
    within("all bytes", async {
        tokio::join!(
            async { client_writes.write_all(&there).await.and(client_writes.shutdown().await).unwrap() },
            async { server_writes.write_all(&back).await.and(server_writes.shutdown().await).unwrap() },
            async { server_reads.read_to_end(&mut at_server).await.unwrap() },
            async { client_reads.read_to_end(&mut at_client).await.unwrap() },
        )
    })
    .await;
    assert!(at_server == there && at_client == back);
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut path = path(&mut ends).await;
    path.server.write_all(b"220 mail").await.unwrap();
    let mut greeting = [0; 8];
    within("the greeting", path.client.read_exact(&mut greeting)).await.unwrap();
    assert_eq!(&greeting, b"220 mail");
}

#[tokio::test]
async fn counts_can_be_read_while_it_runs() {
    let mut ends = ends(&TunnelLimits::default()).await;
    let mut path = path(&mut ends).await;
    path.client.write_all(&[1; 1000]).await.unwrap();
    path.server.read_exact(&mut [0; 1000]).await.unwrap();
    assert_eq!((path.outbound.counts.up(), path.inbound.counts.down()), (1000, 1000));
}

async fn all(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    within("all bytes", socket.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).expect("masked")).collect()
}
