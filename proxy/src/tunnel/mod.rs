//! Many connections over one mutually authenticated connection to another proxy: HTTP/2 CONNECT (HBONE).
//!
//! The rest of the proxy knows the traits of this file and no library. The one implementation so far stands on h2
//! ([`client`], [`server`]); the byte stream beneath (TLS over TCP) is handed in as a [`Transport`].
//!
//! Two rules hold for every implementation. A stream that is dropped before both directions have ended is a reset for
//! the peer, with the code `CONNECT_ERROR` (RFC 9113, section 8.5), because peers read h2's own choice, `CANCEL`, as a
//! clean end of file. And a tunnel that is cut takes all its streams with it, at once and as resets.

pub mod client;
mod connect;
mod control;
mod h2_stream;
mod keepalive;
mod limits;
pub mod server;
mod transport;

use std::future::Future;
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

pub use connect::{Connect, Malformed};
pub use control::Control;
pub use h2_stream::H2Stream;
pub use limits::TunnelLimits;
pub use transport::Transport;

/// The client's side of a tunnel. Clones are the same tunnel; it ends gracefully when the last one is dropped and its
/// last stream has ended.
pub trait Tunnel: Clone + Send + Sync + 'static {
    /// A connection inside the tunnel.
    type Stream: Stream;

    /// Asks the peer to connect to `connect.target`, and waits for its answer without a deadline of its own: drop the
    /// future to give up, which resets the stream. Fails at once with [`OpenError::Full`] when the peer's limit or ours
    /// is reached, so that the caller can take another tunnel instead of waiting in a queue.
    fn open(&self, connect: &Connect) -> impl Future<Output = Result<Self::Stream, OpenError>> + Send;

    /// How many more streams may be opened right now.
    fn room(&self) -> usize;

    /// The means to end this tunnel and to learn that it has ended.
    fn control(&self) -> &Control;
}

/// The server's side of a tunnel: `accept` also moves the bytes of all streams, so it must be polled until it says `None`.
pub trait Acceptor: Send {
    /// A request that waits for its answer.
    type Incoming: Incoming;

    /// The peer's next request, or `None` when the tunnel has ended. Safe to drop and call again.
    fn accept(&mut self) -> impl Future<Output = Option<Arrival<Self::Incoming>>> + Send;

    /// The means to end this tunnel and to learn that it has ended.
    fn control(&self) -> &Control;
}

/// What arrived at the server's side.
#[derive(Debug)]
pub enum Arrival<I> {
    /// A well-formed CONNECT.
    Request(I),
    /// A request that is none; it has been answered with 400 and is reported in order to be counted.
    Malformed(Malformed),
}

/// A CONNECT to be answered. Dropping it resets the stream.
pub trait Incoming: Send {
    /// The connection inside the tunnel.
    type Stream: Stream;

    /// What the peer asks for.
    fn connect(&self) -> &Connect;

    /// Answers 200. Only for a target that is connected: a peer never sees a 200 that is followed by a refusal.
    fn accept(self) -> Result<Self::Stream, Broken>;

    /// Answers with a refusal.
    fn refuse(self, refusal: Refusal);

    /// Says that nobody looked at the request: the peer may ask elsewhere ([`OpenError::Unprocessed`]).
    fn decline(self);

    /// Waits until the peer has reset the stream or the tunnel has ended: nobody waits for an answer any more.
    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Broken>;
}

/// Why a CONNECT is refused, as the peer learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: the target is not one that this proxy serves.
    BadTarget,
    /// 401: policy.
    Denied,
    /// 503: the target could not be connected.
    Unreachable,
}

/// One connection inside a tunnel. Dropped before both directions have ended, it is reset.
pub trait Stream: Send + Unpin {
    /// The next bytes from the peer, at least one; `None` when it has finished. The peer may send as much again only
    /// after [`Stream::release`].
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>>;

    /// Tells the peer that `amount` received bytes have left this proxy.
    fn release(&mut self, amount: usize);

    /// How many bytes may be sent now: at least 1, at most `wanted`.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<Result<usize, Broken>>;

    /// Sends bytes for which there is room.
    fn send(&mut self, data: Bytes) -> Result<(), Broken>;

    /// Says that nothing more will be sent; receiving goes on.
    fn finish(&mut self) -> Result<(), Broken>;

    /// Waits until the peer has reset the stream or the tunnel has ended. For the time when nothing is sent or received.
    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Broken>;

    /// Ends both directions at once.
    fn reset(&mut self);
}

/// Why a stream ended before both sides had finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The peer abandoned the stream.
    #[error("the peer reset the stream (HTTP/2 code {code:#x})")]
    Reset {
        /// The code of the RST_STREAM frame (RFC 9113, section 7).
        code: u32,
    },
    /// The peer has finished and reads no more (RST_STREAM NO_ERROR). Only the sending direction learns this.
    #[error("the peer reads no more")]
    Unread,
    /// The tunnel beneath has ended.
    #[error("the tunnel ended")]
    Tunnel,
}

/// Why no stream was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// As many streams are open as the peer or our own limit allows.
    #[error("the tunnel carries as many streams as it may ({limit})")]
    Full {
        /// The lower of the two limits.
        limit: usize,
    },
    /// The tunnel has ended or takes no new streams. Nothing reached the peer's application.
    #[error("the tunnel takes no new streams")]
    Closed,
    /// The peer did not look at the request (REFUSED_STREAM, or a GOAWAY that excludes it): safe to ask elsewhere.
    #[error("the peer did not process the request")]
    Unprocessed,
    /// The peer answered, and not with 200.
    #[error("the peer refused the connection with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The stream or the tunnel broke before an answer.
    #[error("the stream broke before the peer answered")]
    Broken(#[source] Broken),
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The peer did not say what HTTP/2 begins with in time. A TLS client learns only here that it was refused.
    #[error("the peer did not begin the tunnel within {} s", .limit.as_secs_f32())]
    Timeout {
        /// [`TunnelLimits::handshake`].
        limit: std::time::Duration,
    },
    /// What the peer said is not HTTP/2, or the connection ended.
    #[error("the tunnel ended before it began")]
    Ended(#[source] Closed),
}

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Without an error: nothing was left to do, or the peer closed. Streams that were open then are broken.
    #[error("the tunnel was closed in order")]
    Finished,
    /// By [`Control::cut`].
    #[error("the tunnel was cut")]
    Cut,
    /// Nothing was heard from the peer, not even the answer to a ping.
    #[error("the peer fell silent")]
    Silent,
    /// The connection beneath failed.
    #[error("the connection beneath the tunnel failed ({kind})")]
    Lost {
        /// What the operating system or TLS reported.
        kind: io::ErrorKind,
    },
    /// One side broke the protocol and the connection with it.
    #[error("{} ended the tunnel with HTTP/2 code {code:#x}", if *.by_peer { "the peer" } else { "this proxy" })]
    Protocol {
        /// The code of the GOAWAY frame (RFC 9113, section 7).
        code: u32,
        /// Whether the peer sent it.
        by_peer: bool,
    },
    /// Whoever drove the tunnel stopped doing so.
    #[error("the tunnel was abandoned")]
    Abandoned,
}
