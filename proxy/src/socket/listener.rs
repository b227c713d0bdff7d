//! Accepting connections on IPv4 and IPv6, through descriptor shortage and without one of the two families.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use super::reset;

/// From where a port can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From this network namespace only: captured outbound connections arrive from the loopback device.
    Loopback,
    /// From everywhere.
    Everywhere,
    /// At this address only, in its family only.
    At(IpAddr),
}

/// One port, on IPv4 and IPv6 separately, so that no address is ever an IPv4-mapped one.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    /// Given up in order to accept, and at once reset, a connection for which no descriptor is left. Otherwise it would
    /// stay in the queue and the loop would spin on it.
    spare: Option<File>,
    shed: AtomicU64,
}

impl Listener {
    /// Binds `port` in each family that this namespace has; port 0 takes a free one, the same for both.
    ///
    /// # Errors
    /// When neither family can be bound, or one of them fails for another reason than being switched off; when the one
    /// address that is asked for cannot be had.
    pub fn bind(port: u16, reach: Reach) -> io::Result<Self> {
        match reach {
            Reach::Loopback => Self::bind_each(port, [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
            Reach::Everywhere => Self::bind_each(port, [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]),
            Reach::At(address) => bind(SocketAddr::new(address, port)).map(|socket| Self::of(vec![socket])),
        }
    }

    fn bind_each(mut port: u16, addresses: [IpAddr; 2]) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for address in addresses {
            match bind(SocketAddr::new(address, port)) {
                Ok(socket) => {
                    port = socket.local_addr()?.port();
                    sockets.push(socket);
                }
                Err(error) if is_family_missing(&error) => tracing::info!(%address, %error, "address family is off"),
                Err(error) => return Err(error),
            }
        }
        if sockets.is_empty() {
            return Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
        }
        Ok(Self::of(sockets))
    }

    fn of(sockets: Vec<TcpListener>) -> Self {
        Self { sockets, spare: spare(), shed: AtomicU64::new(0) }
    }

    /// The port that was bound.
    pub fn port(&self) -> io::Result<u16> {
        self.sockets[0].local_addr().map(|address| address.port())
    }

    /// How many connections were reset because no descriptor was left for them.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// The next connection and its peer. Waits through errors that belong to one connection or that pass.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match std::future::poll_fn(|cx| self.poll_accept(cx)).await {
                Ok(accepted) => return accepted,
                Err(error) if is_shortage(&error) => self.shed_one(&error).await,
                // The connection died in the queue (accept(2) passes network errors on): the next one is another.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let ready = self.sockets.iter().find_map(|socket| match socket.poll_accept(cx) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        });
        ready.map_or(Poll::Pending, Poll::Ready)
    }

    /// Takes the oldest waiting connection out of the queue with the spare descriptor and resets it.
    async fn shed_one(&mut self, error: &io::Error) {
        tracing::warn!(%error, "no descriptor left for a connection");
        drop(self.spare.take());
        let refused = std::future::poll_fn(|cx| Poll::Ready(self.poll_accept(cx))).await;
        if let Poll::Ready(Ok((stream, _))) = refused {
            reset(stream);
            self.shed.fetch_add(1, Ordering::Relaxed);
        } else {
            tokio::time::sleep(BACK_OFF).await;
        }
        self.spare = spare();
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// IPv6 can be compiled out, or switched off by `disable_ipv6`, which leaves sockets but no `::1`.
fn is_family_missing(error: &io::Error) -> bool {
    matches!(errno(error), Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL | Errno::EPROTONOSUPPORT)
}

fn is_shortage(error: &io::Error) -> bool {
    matches!(errno(error), Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)
}

/// The errors that accept(2) lists as belonging to the connection and not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Errno::ECONNABORTED
            | Errno::ECONNRESET
            | Errno::ENETDOWN
            | Errno::EPROTO
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::EOPNOTSUPP
            | Errno::ENETUNREACH
            | Errno::EINTR
    )
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// The kernel lowers it to net.core.somaxconn.
const BACKLOG: i32 = 4096;
const BACK_OFF: Duration = Duration::from_millis(50);
