//! Moving the bytes of a connection between two TCP sockets, where a rule lets one pass without a tunnel.
//!
//! The same promises as [`mod@crate::copy`]: half-close, reset and back-pressure pass through, and an end that is not a
//! finished one resets both sides.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

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
/// count as up. Consumes both sockets, as [`copy()`](crate::copy::copy) does.
pub fn copy_plain<R>(
    client: TcpStream,
    server: TcpStream,
    counts: Arc<Counts>,
    cut: impl Future<Output = R>,
) -> impl Future<Output = PlainEnd<R>> {
    // Built before the first poll: a future that is dropped without one resets both sides as well.
    let mut pair = Pair { client, server, finished: false };
    async move {
        let end = until_ended(&pair, &counts, pin!(cut)).await;
        if matches!(end, PlainEnd::Finished) {
            pair.finish();
        }
        end
    }
}

async fn until_ended<R>(pair: &Pair, counts: &Counts, mut cut: Pin<&mut impl Future<Output = R>>) -> PlainEnd<R> {
    let (mut up, mut down) = (Pass::default(), Pass::default());
    let (mut client, mut server) = (pin!(failed(&pair.client)), pin!(failed(&pair.server)));
    poll_fn(|cx| {
        if let Poll::Ready(why) = cut.as_mut().poll(cx) {
            return Poll::Ready(PlainEnd::Cut(why));
        }
        let up = up.poll(cx, &pair.client, &pair.server, |bytes| counts.add_up(bytes));
        let down = down.poll(cx, &pair.server, &pair.client, |bytes| counts.add_down(bytes));
        match (up, down) {
            (Poll::Ready(Err(Fault::From)), _) | (_, Poll::Ready(Err(Fault::To))) => {
                Poll::Ready(PlainEnd::ResetByClient)
            }
            (Poll::Ready(Err(Fault::To)), _) | (_, Poll::Ready(Err(Fault::From))) => {
                Poll::Ready(PlainEnd::ResetByServer)
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(PlainEnd::Finished),
            // A reset is noticed even while nothing is read because the other side takes nothing.
            _ if client.as_mut().poll(cx).is_ready() => Poll::Ready(PlainEnd::ResetByClient),
            _ => server.as_mut().poll(cx).map(|()| PlainEnd::ResetByServer),
        }
    })
    .await
}

/// Two sockets; their drop is a reset unless both directions have finished.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    finished: bool,
}

impl Pair {
    /// Both directions have finished: the coming closes are orderly ones.
    fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if !self.finished {
            socket::reset_on_close(&self.client);
            socket::reset_on_close(&self.server);
        }
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Pass {
    /// What was read and not all written; an idle connection keeps no buffer.
    held: Vec<u8>,
    written: usize,
    finished: bool,
}

/// At which socket a direction failed.
#[derive(Clone, Copy, Debug)]
enum Fault {
    From,
    To,
}

impl Pass {
    /// Passes bytes on until `from` has finished, and then its end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        to: &TcpStream,
        count: impl Fn(usize),
    ) -> Poll<Result<(), Fault>> {
        while !self.finished {
            if self.written < self.held.len() {
                ready!(to.poll_write_ready(cx)).map_err(|_| Fault::To)?;
                if let Some(bytes) = unless_blocked(to.try_write(&self.held[self.written..])).map_err(|_| Fault::To)? {
                    count(bytes);
                    self.written += bytes;
                }
            } else {
                (self.held, self.written) = (Vec::new(), 0);
                ready!(from.poll_read_ready(cx)).map_err(|_| Fault::From)?;
                self.held.reserve_exact(BUFFER);
                if unless_blocked(from.try_read_buf(&mut self.held)).map_err(|_| Fault::From)? == Some(0) {
                    socket::finish(to).map_err(|_| Fault::To)?;
                    self.finished = true;
                }
            }
        }
        self.held = Vec::new();
        Poll::Ready(Ok(()))
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}

const BUFFER: usize = 64 * 1024;
