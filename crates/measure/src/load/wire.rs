//! Connections of a client, and a round trip on them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::Failure;
use super::kind::Own;
use super::payload::LINE;

/// Bytes that a round trip brings to applications, both directions.
pub(super) const TRIP: u64 = 2 * LINE.len() as u64;

/// Connects.
pub(super) async fn dial(target: SocketAddr) -> Result<TcpStream, Failure> {
    let connected = timeout(PATIENCE, TcpStream::connect(target)).await;
    let stream = connected.map_err(|_| Failure::Silent(PATIENCE))?.map_err(Failure::Connect)?;
    stream.set_nodelay(true).map_err(Failure::Connect)?;
    Ok(stream)
}

/// The first message of a connection, with the byte before it that says what the connection is for.
pub(super) const fn opening(kind: Own) -> [u8; LINE.len() + 1] {
    let mut opening = [kind.byte(); LINE.len() + 1];
    let mut at = 0;
    while at < LINE.len() {
        opening[at + 1] = LINE[at];
        at += 1;
    }
    opening
}

/// Sends a message, and returns when 128 bytes have come back.
pub(super) async fn round_trip<S>(stream: &mut S, message: &[u8]) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(message).await.map_err(Failure::Send)?;
    stream.flush().await.map_err(Failure::Send)?;
    receive(stream).await
}

/// Returns when the other side has ended its direction, with nothing said before.
pub(super) async fn until_end<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(), Failure> {
    match stream.read(&mut [0; 1]).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(Failure::Answer),
        Err(error) => Err(Failure::Receive(error)),
    }
}

/// Ends this direction and waits for the other side's end, so that nobody sees a reset. It is nobody's failure if that
/// takes too long: what was to be measured is over.
pub(super) async fn farewell(mut stream: TcpStream) {
    let mut room = vec![0; 64 * 1024];
    let ends = async {
        stream.shutdown().await?;
        while stream.read(&mut room).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = timeout(FAREWELL, ends).await;
}

/// There is more room than an answer needs: a read that fills its buffer makes tokio ask the kernel once more.
async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(), Failure> {
    let mut room = [0; 2 * LINE.len()];
    let mut had = 0;
    while had < LINE.len() {
        match stream.read(&mut room[had..]).await.map_err(Failure::Receive)? {
            0 => return Err(Failure::Ended),
            more => had += more,
        }
    }
    if room[..had] == LINE { Ok(()) } else { Err(Failure::Answer) }
}

/// How long it may take to connect.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side may take to end a connection.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
