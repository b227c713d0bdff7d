//! One table of endings: who ends it, how, and in which phase; and what both applications see.

use std::io;

use bulkhead_proxy::copy::How;
use bulkhead_proxy::socket;
use bulkhead_proxy::tunnel::TunnelLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::path::{Path, path};
use crate::support::{Ends, ends, fill, within};

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Not a byte was sent.
    Fresh,
    /// Both have said something, and nothing is on its way.
    Idle,
    /// The one that ends it has just written.
    Speaking,
    /// The other one has half-closed before.
    HalfClosed,
    /// The one that ends it fills all buffers, because the other one does not read.
    Unread,
}

const SIDES: [Side; 2] = [Side::Client, Side::Server];

#[tokio::test]
async fn a_half_close_is_a_half_close() {
    let mut ends = ends(&TunnelLimits::default()).await;
    for side in SIDES {
        for phase in [Phase::Fresh, Phase::Idle, Phase::Speaking, Phase::HalfClosed] {
            let at = format!("{side:?} {phase:?}");
            let (mut ending, mut other, path) = prepared(&mut ends, side, phase).await;
            ending.shutdown().await.unwrap();
            assert_eq!(rest(&mut other, &at).await.unwrap(), spoken(phase), "{at}");
            if !matches!(phase, Phase::HalfClosed) {
                other.write_all(b"the other direction lives").await.unwrap();
                other.shutdown().await.unwrap();
                assert_eq!(rest(&mut ending, &at).await.unwrap(), b"the other direction lives", "{at}");
            }
            assert_eq!(path.outbound.ended().await.how, How::Finished, "{at}");
            assert_eq!(path.inbound.ended().await.how, How::Finished, "{at}");
        }
    }
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let mut ends = ends(&TunnelLimits::default()).await;
    for side in SIDES {
        for phase in [Phase::Fresh, Phase::Idle, Phase::Speaking, Phase::HalfClosed, Phase::Unread] {
            let at = format!("{side:?} {phase:?}");
            let (ending, mut other, path) = prepared(&mut ends, side, phase).await;
            socket::reset(ending);
            assert_eq!(rest(&mut other, &at).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "{at}");
            let (near, far) = match side {
                Side::Client => (path.outbound, path.inbound),
                Side::Server => (path.inbound, path.outbound),
            };
            assert_eq!(near.ended().await.how, How::ResetByApplication, "{at}");
            assert_eq!(far.ended().await.how, How::ResetByPeer(0xa), "{at}");
        }
    }
}

#[tokio::test]
async fn a_close_is_an_end_of_file_and_then_a_reset_for_who_goes_on() {
    let mut ends = ends(&TunnelLimits::default()).await;
    for side in SIDES {
        for phase in [Phase::Fresh, Phase::Idle, Phase::Speaking] {
            let at = format!("{side:?} {phase:?}");
            let (ending, mut other, path) = prepared(&mut ends, side, phase).await;
            drop(ending);
            assert_eq!(rest(&mut other, &at).await.unwrap(), spoken(phase), "{at}");
            // The closed socket answers with a reset, which comes back the whole way.
            within(&at, async { while other.write_all(&[0; 1024]).await.is_ok() {} }).await;
            path.outbound.ended().await;
            path.inbound.ended().await;
        }
    }
}

/// A connection in its phase: the socket of the application that will end it, that of the other one, and the rest.
async fn prepared(ends: &mut Ends, side: Side, phase: Phase) -> (TcpStream, TcpStream, Ending) {
    let Path { client, server, outbound, inbound } = path(ends).await;
    let (mut ending, mut other) = match side {
        Side::Client => (client, server),
        Side::Server => (server, client),
    };
    match phase {
        Phase::Fresh => {}
        Phase::Idle => exchange(&mut ending, &mut other).await,
        Phase::Speaking => ending.write_all(SPOKEN).await.unwrap(),
        Phase::HalfClosed => {
            exchange(&mut ending, &mut other).await;
            other.shutdown().await.unwrap();
            assert_eq!(rest(&mut ending, "half-close").await.unwrap(), b"");
        }
        Phase::Unread => {
            fill(&ending).await;
        }
    }
    (ending, other, Ending { outbound, inbound })
}

struct Ending {
    outbound: crate::support::path::Copying,
    inbound: crate::support::path::Copying,
}

fn spoken(phase: Phase) -> &'static [u8] {
    if matches!(phase, Phase::Speaking) { SPOKEN } else { b"" }
}

async fn exchange(one: &mut TcpStream, two: &mut TcpStream) {
    let mut word = [0; 4];
    one.write_all(b"ping").await.unwrap();
    within("ping", two.read_exact(&mut word)).await.unwrap();
    two.write_all(b"pong").await.unwrap();
    within("pong", one.read_exact(&mut word)).await.unwrap();
}

async fn rest(socket: &mut TcpStream, at: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    within(at, socket.read_to_end(&mut bytes)).await.map(|_| bytes)
}

const SPOKEN: &[u8] = b"a sentence, and then the end of it";
