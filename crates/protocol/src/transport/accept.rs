//! Accepts TLS connections for a gRPC server: many handshakes at a time, each under a deadline.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_identity::peer::{PeerError, VerifiedPeer};
use bulkhead_identity::tls::{Acceptor, SlotError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::share::{Place, Shares};

/// How much unauthenticated peers may cost a server.
#[derive(Clone, Copy, Debug)]
pub struct AcceptLimits {
    /// A handshake that has not ended after this long is dropped.
    pub handshake: Duration,
    /// Handshakes under way at a time; a further connection waits in the kernel's queue.
    pub handshakes: usize,
    /// The share of one source address in them; a further connection from there is closed: if it waited, so would
    /// everybody behind it.
    pub per_address: usize,
    /// How long to wait before accepting again when the process is out of descriptors.
    pub pause: Duration,
}

impl Default for AcceptLimits {
    /// 10 s, 256 at a time, 16 from one address, 100 ms.
    fn default() -> Self {
        let (handshake, pause) = (Duration::from_secs(10), Duration::from_millis(100));
        Self { handshake, handshakes: 256, per_address: 16, pause }
    }
}

/// A connection whose handshake succeeded.
#[derive(Debug)]
pub struct Accepted {
    stream: TlsStream<TcpStream>,
    peer: ConnectedPeer,
}

/// Who is on the other side of an accepted connection; tonic puts it into each request's extensions.
#[derive(Clone, Debug)]
pub struct ConnectedPeer {
    /// The peer's verified certificate; `None` when it showed none.
    pub peer: Option<Arc<VerifiedPeer>>,
    /// Where it calls from.
    pub address: SocketAddr,
}

/// Why a connection was dropped before it was a connection.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Refused {
    #[error("the peer's certificate was refused")]
    Certificate(#[source] PeerError),
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("the handshake left no peer to speak of")]
    Slot(#[from] SlotError),
    #[error("the peer did not finish its handshake within {limit:?}")]
    TooSlow { limit: Duration },
    #[error("its address has {share} handshakes under way, which is its share")]
    Crowded { share: usize },
}

/// Accepts until the stream is dropped, which ends every handshake under way.
///
/// `acceptor` is asked anew for each connection, so that a server may change its certificate as it runs. `refused` is told of each connection that failed, for a count and a line in the log.
pub fn incoming(
    listener: TcpListener,
    acceptor: impl Fn() -> Arc<Acceptor> + Send + 'static,
    limits: AcceptLimits,
    refused: impl Fn(SocketAddr, Refused) + Send + Sync + 'static,
) -> impl Stream<Item = io::Result<Accepted>> + Send + Unpin {
    let (sender, receiver) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(accept_all(listener, acceptor, limits, Arc::new(refused), sender));
    Incoming { accepted: ReceiverStream::new(receiver), _tasks: tasks }
}

struct Incoming {
    accepted: ReceiverStream<io::Result<Accepted>>,
    /// Owns the accept loop, which owns the handshakes.
    _tasks: JoinSet<()>,
}

impl Stream for Incoming {
    type Item = io::Result<Accepted>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.accepted).poll_next(context)
    }
}

type OnRefused = dyn Fn(SocketAddr, Refused) + Send + Sync;

async fn accept_all(
    listener: TcpListener,
    acceptor: impl Fn() -> Arc<Acceptor>,
    limits: AcceptLimits,
    refused: Arc<OnRefused>,
    accepted: mpsc::Sender<io::Result<Accepted>>,
) {
    let (places, shares) = (Arc::new(Semaphore::new(limits.handshakes)), Shares::new(limits.per_address));
    let mut handshakes = JoinSet::new();
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, address)) => match shares.take(address.ip()) {
                Some(share) => {
                    let one = Handshake { acceptor: acceptor(), limit: limits.handshake, _places: (place, share) };
                    handshakes.spawn(one.run(tcp, address, Arc::clone(&refused), accepted.clone()));
                }
                None => refused(address, Refused::Crowded { share: limits.per_address }),
            },
            // Out of descriptors, or the peer is gone already: trying again at once would spin.
            Err(_) => tokio::time::sleep(limits.pause).await,
        }
        while handshakes.try_join_next().is_some() {}
    }
}

struct Handshake {
    acceptor: Arc<Acceptor>,
    limit: Duration,
    /// Of all, and of its address.
    _places: (OwnedSemaphorePermit, Place),
}

impl Handshake {
    async fn run(
        self,
        tcp: TcpStream,
        address: SocketAddr,
        refused: Arc<OnRefused>,
        accepted: mpsc::Sender<io::Result<Accepted>>,
    ) {
        match timeout(self.limit, self.shake(tcp, address)).await {
            // The receiver is gone only when the server stops.
            Ok(Ok(connection)) => drop(accepted.send(Ok(connection)).await),
            Ok(Err(reason)) => refused(address, reason),
            Err(_) => refused(address, Refused::TooSlow { limit: self.limit }),
        }
    }

    async fn shake(&self, tcp: TcpStream, address: SocketAddr) -> Result<Accepted, Refused> {
        tcp.set_nodelay(true).map_err(Refused::Handshake)?;
        let (config, slot) = self.acceptor.begin();
        match TlsAcceptor::from(config).accept(tcp).await {
            Ok(stream) => {
                let peer = slot.take_if_shown(stream.get_ref().1)?.map(Arc::new);
                Ok(Accepted { stream, peer: ConnectedPeer { peer, address } })
            }
            Err(source) => Err(slot.refusal().map_or(Refused::Handshake(source), Refused::Certificate)),
        }
    }
}

impl Connected for Accepted {
    type ConnectInfo = ConnectedPeer;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer.clone()
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
