//! Moving the bytes of one connection between the application's socket and a stream of a tunnel, until a side ends.
//!
//! What one side does, the other side sees: a half-close as a half-close, a reset as a reset, a pause as a pause. There
//! is no end but [`Finished`](How::Finished) that an application could mistake for a complete answer: all others reset
//! its socket. Nobody looks into the bytes, so protocols in which the server speaks first work.

mod backlog;
mod down;
mod intake;
mod up;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::socket;
use crate::tunnel::{Broken, Stream};
use down::Down;
use up::Up;

/// The bytes of one connection, readable while it runs.
#[derive(Debug, Default)]
pub struct Counts {
    up: AtomicU64,
    down: AtomicU64,
}

impl Counts {
    /// Bytes from the application that were given to the tunnel.
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// Bytes from the tunnel that were given to the application.
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn add_up(&self, bytes: usize) {
        self.up.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_down(&self, bytes: usize) {
        self.down.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// How one connection ended, and how much went each way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended<R> {
    /// Who or what ended it.
    pub how: How<R>,
    /// Bytes from the application that were given to the tunnel.
    pub up: u64,
    /// Bytes from the tunnel that were given to the application.
    pub down: u64,
}

/// Who or what ended a connection; `R` is why it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How<R> {
    /// Both sides finished, and every byte was passed on.
    Finished,
    /// The application reset its connection, or went away.
    ResetByApplication,
    /// The peer reset the stream, with this HTTP/2 code.
    ResetByPeer(u32),
    /// The tunnel beneath ended.
    TunnelEnded,
    /// The connection was cut from outside.
    Cut(R),
}

/// Copies in both directions until both have ended, one side resets, the tunnel ends, or `cut` says why to stop.
///
/// Consumes both sides: on any end but a finished one, and when the future is dropped, the application's socket and the
/// stream are reset.
pub fn copy<S: Stream, R>(
    app: TcpStream,
    stream: S,
    counts: Arc<Counts>,
    cut: impl Future<Output = R>,
) -> impl Future<Output = Ended<R>> {
    // Built before the first poll: a future that is dropped without one resets the application as well. Moved into a
    // block and not into an `async fn`, whose arguments would be stored twice.
    let mut app = Application { socket: app, finished: false };
    let mut both = Both { stream, up: Up::default(), down: Down::default() };
    async move {
        let how = until_ended(&app.socket, &mut both, &counts, pin!(cut)).await;
        if matches!(how, How::Finished) {
            app.finish();
        }
        Ended { how, up: counts.up(), down: counts.down() }
    }
}

async fn until_ended<S: Stream, R>(
    app: &TcpStream,
    both: &mut Both<S>,
    counts: &Counts,
    mut cut: Pin<&mut impl Future<Output = R>>,
) -> How<R> {
    let mut failed = pin!(failed(app));
    poll_fn(|cx| {
        if let Poll::Ready(why) = cut.as_mut().poll(cx) {
            return Poll::Ready(How::Cut(why));
        }
        if let Poll::Ready(ended) = both.poll(cx, app, counts) {
            return Poll::Ready(ended.map_or_else(How::from, |()| How::Finished));
        }
        failed.as_mut().poll(cx).map(|()| How::ResetByApplication)
    })
    .await
}

/// The application's socket; its drop is a reset unless both directions have finished.
struct Application {
    socket: TcpStream,
    finished: bool,
}

impl Application {
    /// Both directions have finished: the coming close is an orderly one.
    fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if !self.finished {
            socket::reset_on_close(&self.socket);
        }
    }
}

struct Both<S> {
    /// Its drop is a reset unless both directions have finished, as [`Stream`] demands.
    stream: S,
    up: Up,
    down: Down,
}

impl<S: Stream> Both<S> {
    fn poll(&mut self, cx: &mut Context<'_>, app: &TcpStream, counts: &Counts) -> Poll<Result<(), Stop>> {
        let up = self.up.poll(cx, app, &mut self.stream, counts)?;
        let down = self.down.poll(cx, app, &mut self.stream, counts)?;
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if down.is_ready() {
            return self.watch(cx, app, counts);
        }
        Poll::Pending
    }

    /// When nothing is received any more, receiving does not tell of a reset either.
    fn watch(&mut self, cx: &mut Context<'_>, app: &TcpStream, counts: &Counts) -> Poll<Result<(), Stop>> {
        match ready!(self.stream.poll_broken(cx)) {
            Broken::Unread => {
                self.up.discard();
                self.up.poll(cx, app, &mut self.stream, counts)
            }
            broken => Poll::Ready(Err(Stop::Stream(broken))),
        }
    }
}

/// Why one direction, and with it the connection, ends before it has finished.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Application,
    Stream(Broken),
}

impl<R> From<Stop> for How<R> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Application => Self::ResetByApplication,
            Stop::Stream(Broken::Reset { code }) => Self::ResetByPeer(code),
            Stop::Stream(Broken::Unread) => Self::ResetByPeer(NO_ERROR),
            Stop::Stream(Broken::Tunnel) => Self::TunnelEnded,
        }
    }
}

/// Waits until the kernel reports an error on the socket. A reset by the application is seen here even while its bytes
/// wait for room in the tunnel and none are read.
pub(crate) async fn failed(app: &TcpStream) {
    while app.ready(Interest::ERROR).await.is_ok() {
        let none = || io::Error::from(io::ErrorKind::WouldBlock);
        let error = app.try_io(Interest::ERROR, || SockRef::from(app).take_error()?.map_or_else(|| Err(none()), Ok));
        if !matches!(&error, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            return;
        }
    }
}

/// RFC 9113, section 7.
const NO_ERROR: u32 = 0;
