//! The server's side of the own protocols.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::load::kind::Own;
use crate::load::ledger::{Ledgers, add};
use crate::load::payload::{BLOCK, LINE};

/// Serves one connection to its end.
pub(super) async fn serve(mut stream: TcpStream, own: Own, ledgers: &Ledgers) -> io::Result<()> {
    stream.read_u8().await?;
    match own {
        Own::Up => {
            let count = ledgers.of(stream.read_u64().await?);
            sink(stream, &count).await
        }
        Own::Down => source(stream).await,
        Own::Echo => echo(stream).await,
        Own::Once => once(stream).await,
        Own::Ledger => {
            let count = ledgers.of(stream.read_u64().await?);
            tell(stream, &count).await
        }
    }
}

async fn sink(mut stream: TcpStream, count: &AtomicU64) -> io::Result<()> {
    let mut room = vec![0; BLOCK.len()];
    let mut taken = 0;
    loop {
        match stream.read(&mut room).await? {
            0 => break,
            more => {
                taken += more as u64;
                add(count, more);
            }
        }
    }
    stream.write_u64(taken).await?;
    stream.shutdown().await
}

async fn source(stream: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let (mut nothing, mut sent) = ([0; 1], 0);
    loop {
        tokio::select! {
            biased;
            ended = reader.read(&mut nothing) => {
                ended?;
                return writer.shutdown().await;
            }
            // Goes on within the line in which the last write ended, so that no marker is cut.
            more = writer.write(&BLOCK[sent % LINE.len()..]) => sent += more?,
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut room = [0; 512];
    loop {
        match stream.read(&mut room).await? {
            0 => return stream.shutdown().await,
            more => stream.write_all(&room[..more]).await?,
        }
    }
}

/// Ends its direction first; why, the client's side says.
async fn once(mut stream: TcpStream) -> io::Result<()> {
    let mut room = [0; 2 * LINE.len()];
    let mut had = 0;
    while had < LINE.len() {
        match stream.read(&mut room[had..]).await? {
            0 => return Ok(()),
            more => had += more,
        }
    }
    stream.write_all(&room[..had]).await?;
    stream.shutdown().await?;
    while stream.read(&mut room).await? > 0 {}
    Ok(())
}

async fn tell(mut stream: TcpStream, count: &AtomicU64) -> io::Result<()> {
    let mut asked = [0; 1];
    while stream.read(&mut asked).await? > 0 {
        stream.write_u64(count.load(Ordering::Relaxed)).await?;
    }
    stream.shutdown().await
}
