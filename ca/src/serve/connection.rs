//! Connections of strangers: whoever shows no certificate may join, and has a place and a while for it.
//!
//! A stranger costs nothing to be, so without these limits a few of them could hold every descriptor of the CA, and
//! nobody could revoke.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bulkhead_protocol::transport::{Accepted, ConnectedPeer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::StrangerLimits;

/// Who is in without a certificate.
#[derive(Debug)]
pub(super) struct Guests {
    places: Arc<Semaphore>,
    limits: StrangerLimits,
}

/// An accepted connection, bounded if its peer is a stranger.
#[derive(Debug)]
pub(super) struct Connection {
    accepted: Accepted,
    stay: Option<Stay>,
}

/// A stranger's place, and its end.
#[derive(Debug)]
struct Stay {
    over: Pin<Box<Sleep>>,
    /// Given back when the connection is dropped.
    #[expect(dead_code, reason = "held, not read")]
    place: OwnedSemaphorePermit,
}

impl Guests {
    pub(super) fn new(limits: StrangerLimits) -> Self {
        Self { places: Arc::new(Semaphore::new(limits.connections)), limits }
    }

    /// Lets a connection in; `None` for a stranger when all places are taken, whose connection is closed by that.
    pub(super) fn receive(&self, accepted: Accepted) -> Option<Connection> {
        if accepted.connect_info().peer.is_some() {
            return Some(Connection { accepted, stay: None });
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Connection { accepted, stay: Some(Stay { over: Box::pin(sleep(self.limits.age)), place }) })
    }
}

impl Connection {
    /// An error once a stranger's time is over; whoever polls is woken for it.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.stay.as_mut().map(|stay| stay.over.as_mut().poll(context)) {
            Some(Poll::Ready(())) => Err(io::Error::new(io::ErrorKind::TimedOut, "a stranger's time is over")),
            _ => Ok(()),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ConnectedPeer;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.accepted.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.accepted).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.accepted).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.accepted).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.accepted).poll_shutdown(context)
    }
}
