//! Connections of strangers: whoever shows no certificate may join, and has a place and a while for it.
//!
//! A stranger costs nothing to be, so without these limits a few of them could hold every descriptor of the CA, and
//! nobody could revoke. And one address alone could take all places, so that no pod got its first certificate: each has a
//! share of them.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bulkhead_protocol::transport::{Accepted, ConnectedPeer, Place, Shares};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::StrangerLimits;

/// Who is in without a certificate.
#[derive(Debug)]
pub(super) struct Guests {
    places: Arc<Semaphore>,
    shares: Shares,
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
    places: Places,
}

/// A stranger's place among all, and in the share of its address.
type Places = (OwnedSemaphorePermit, Place);

/// Why a stranger has no place.
#[derive(Debug, thiserror::Error)]
pub(super) enum Crowded {
    #[error("callers without a certificate hold all {places} places (`--strangers`)")]
    All { places: usize },
    #[error("its address holds all {share} places of its share (`--strangers-per-address`)")]
    Address { share: usize },
}

impl Guests {
    pub(super) fn new(limits: StrangerLimits) -> Self {
        let (places, shares) = (Arc::new(Semaphore::new(limits.connections)), Shares::new(limits.per_address));
        Self { places, shares, limits }
    }

    /// Lets a connection in, unless it is a stranger's who has no place: then it is closed by that.
    pub(super) fn receive(&self, accepted: Accepted) -> Result<Connection, Crowded> {
        let ConnectedPeer { peer, address } = accepted.connect_info();
        let stay = if peer.is_some() { None } else { Some(self.stay(address.ip())?) };
        Ok(Connection { accepted, stay })
    }

    fn stay(&self, address: IpAddr) -> Result<Stay, Crowded> {
        let StrangerLimits { connections, per_address, age, .. } = self.limits;
        let share = self.shares.take(address).ok_or(Crowded::Address { share: per_address })?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Crowded::All { places: connections })?;
        Ok(Stay { over: Box::pin(sleep(age)), places: (place, share) })
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
