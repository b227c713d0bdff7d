//! The application: one port for every kind of work.

mod http;
mod own;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use super::descriptors;
use super::error::LoadError;
use super::kind::Kind;
use super::ledger::Ledgers;

/// Listens, with a queue that no bench fills.
pub fn listen(address: SocketAddr) -> Result<TcpListener, LoadError> {
    let socket = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(QUEUE)
    };
    descriptors::ensure(0)?;
    socket().map_err(|source| LoadError::Listen { address, source })
}

/// Serves whoever comes, until it is dropped.
pub async fn serve(listener: TcpListener) -> Infallible {
    let ledgers = Ledgers::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(attend(stream, ledgers.clone()))),
            // For want of descriptors it would fail again at once.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// A client that leaves early, or that says what nobody understands, is no failure of a server.
async fn attend(stream: TcpStream, ledgers: Ledgers) {
    let _ = greet(stream, ledgers).await;
}

/// Looks at the first byte without taking it: a part of a longer preface would have to be waited for.
async fn greet(stream: TcpStream, ledgers: Ledgers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(());
    }
    match Kind::of(first[0]) {
        Some(Kind::Own(own)) => own::serve(stream, own, &ledgers).await,
        Some(Kind::Http) => http::serve(stream).await,
        None => Ok(()),
    }
}

/// Connections that wait to be accepted; the system may allow fewer.
const QUEUE: u32 = 4096;
/// How long it rests when it cannot accept.
const PAUSE: Duration = Duration::from_millis(10);
