//! Bytes in one direction, as many as go through.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::Failure;
use super::kind::Own;
use super::meter::Meter;
use super::payload::{BLOCK, LINE};
use super::wire::{dial, farewell};

/// Sends until the time is over. What arrives is counted by the server, under the name of the run.
pub(super) async fn up(target: SocketAddr, run: u64, meter: &Meter) -> Result<(), Failure> {
    let mut stream = dial(target).await?;
    let mut opening = vec![Own::Up.byte()];
    opening.extend_from_slice(&run.to_be_bytes());
    stream.write_all(&opening).await.map_err(Failure::Send)?;
    let mut sent = 0;
    while meter.goes_on() {
        // Goes on within the line in which the last write ended, so that no marker is cut.
        sent += stream.write(&BLOCK[sent % LINE.len()..]).await.map_err(Failure::Send)?;
    }
    compare(stream, sent as u64).await
}

/// Ends, and compares what was sent with what arrived. A proxy that ends both directions when one has ended lets no answer
/// through, which is not held against it: the figures are made.
async fn compare(mut stream: TcpStream, sent: u64) -> Result<(), Failure> {
    let answered = async {
        stream.shutdown().await?;
        stream.read_u64().await
    };
    match timeout(PATIENCE, answered).await {
        Ok(Ok(taken)) if taken != sent => Err(Failure::Lost { sent, taken }),
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::Silent(PATIENCE)),
    }
}

/// Receives until the time is over.
pub(super) async fn down(target: SocketAddr, meter: &Meter) -> Result<(), Failure> {
    let mut stream = dial(target).await?;
    stream.write_all(&[Own::Down.byte()]).await.map_err(Failure::Send)?;
    let mut room = vec![0; BLOCK.len()];
    while meter.goes_on() {
        match stream.read(&mut room).await.map_err(Failure::Receive)? {
            0 => return Err(Failure::Ended),
            more => meter.taken(more),
        }
    }
    farewell(stream).await;
    Ok(())
}

/// How long the rest of what was sent may take to arrive.
const PATIENCE: Duration = Duration::from_secs(8);
