//! Moving the bytes of a connection between two TCP sockets, where a rule lets one pass without a tunnel.
//!
//! The same promises as [`mod@crate::copy`]: half-close, reset and back-pressure pass through, and an end that is not a
//! finished one resets both sides.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::copy::{Counts, failed};
use crate::socket;

/// Who or what ended a connection; `R` is why it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainEnd<R> {
    /// Both sides finished, and every byte was passed on.
    Finished,
    /// The client reset its connection, or went away.
    ResetByClient,
    /// The server reset its connection, or went away.
    ResetByServer,
    /// The connection was cut from outside.
    Cut(R),
}

/// Copies in both directions until both have ended, one side resets, or `cut` says why to stop. Bytes from the client
/// count as up.
pub async fn copy_plain<R>(
    client: TcpStream,
    server: TcpStream,
    counts: Arc<Counts>,
    cut: impl Future<Output = R>,
) -> PlainEnd<R> {
    let mut pair = Pair { client, server, finished: false };
    let both = async {
        let up = pass(&pair.client, &pair.server, [PlainEnd::ResetByClient, PlainEnd::ResetByServer], |n| counts.add_up(n));
        let down =
            pass(&pair.server, &pair.client, [PlainEnd::ResetByServer, PlainEnd::ResetByClient], |n| counts.add_down(n));
        match tokio::try_join!(up, down) {
            Ok(_) => PlainEnd::Finished,
            Err(end) => end,
        }
    };
    let end = tokio::select! {
        biased;
        why = cut => PlainEnd::Cut(why),
        end = both => end,
        () = failed(&pair.client) => PlainEnd::ResetByClient,
        () = failed(&pair.server) => PlainEnd::ResetByServer,
    };
    pair.finished = matches!(end, PlainEnd::Finished);
    end
}

/// Two sockets; their drop is a reset unless both directions have finished.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    finished: bool,
}

impl Drop for Pair {
    fn drop(&mut self) {
        if !self.finished {
            socket::reset_on_close(&self.client);
            socket::reset_on_close(&self.server);
        }
    }
}

/// Passes bytes on until `from` has finished, and then its end. `ends` says whose fault an error at each socket is.
async fn pass<R>(
    from: &TcpStream,
    to: &TcpStream,
    ends: [PlainEnd<R>; 2],
    count: impl Fn(usize),
) -> Result<(), PlainEnd<R>> {
    let [at_from, at_to] = ends;
    loop {
        if from.readable().await.is_err() {
            return Err(at_from);
        }
        // Held only while bytes are there: an idle connection keeps no buffer.
        let mut buffer = Vec::with_capacity(BUFFER);
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return socket::finish(to).map_err(|_| at_to),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return Err(at_from),
        }
        if write(to, &buffer, &count).await.is_err() {
            return Err(at_to);
        }
    }
}

async fn write(to: &TcpStream, mut bytes: &[u8], count: &impl Fn(usize)) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(written) => {
                count(written);
                bytes = &bytes[written..];
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

const BUFFER: usize = 64 * 1024;
