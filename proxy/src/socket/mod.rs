//! What the proxy asks of the kernel for a TCP socket: options, the original destination, an abrupt end, listeners.
//!
//! There is no `unsafe` here: `socket2` wraps every call that is needed.

mod listener;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

pub use listener::{Listener, Reach};

/// What a socket is for; this decides how long silence is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Between the proxy and its own workload, in one network namespace.
    ///
    /// There is no user timeout: it would also end a connection whose application pauses and leaves its window closed.
    Application,
    /// Beneath a tunnel, which both ends read at all times: a closed window is not a pause but a dead peer.
    Tunnel,
}

/// Sets the options of a connected socket.
///
/// Keepalive must be shorter than the 60 s for which conntrack keeps a half-closed redirected connection: after that the
/// kernel would no longer know whose packets these are, and the socket would stay half-closed for ever.
pub fn prepare(stream: &TcpStream, purpose: Purpose) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    socket.set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_PROBES))?;
    if purpose == Purpose::Tunnel {
        socket.set_tcp_user_timeout(Some(TUNNEL_USER_TIMEOUT))?;
    }
    Ok(())
}

/// Connects to `destination` and prepares the socket. The caller sets the deadline by dropping the future.
pub async fn connect(destination: SocketAddr, purpose: Purpose) -> io::Result<TcpStream> {
    let stream = socket_for(destination)?.connect(destination).await?;
    prepare(&stream, purpose)?;
    Ok(stream)
}

/// Connects to `destination` if it is an address of this host at this very moment, and to nobody otherwise.
///
/// The socket takes the destination's address as its own first. The kernel refuses that (`AddrNotAvailable`) unless the
/// address is local, and a socket with that address reaches no other machine: what was known of the interfaces before
/// does not matter. The application sees its own address as its peer's.
pub async fn connect_here(destination: SocketAddr, purpose: Purpose) -> io::Result<TcpStream> {
    let socket = socket_for(destination)?;
    // The port is chosen with the destination in view: without this each connection would use up one of its own.
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    socket.bind(SocketAddr::new(destination.ip(), 0))?;
    let stream = socket.connect(destination).await?;
    prepare(&stream, purpose)?;
    Ok(stream)
}

fn socket_for(destination: SocketAddr) -> io::Result<TcpSocket> {
    if destination.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

/// Where a captured connection was going before netfilter redirected it here (`SO_ORIGINAL_DST`).
///
/// A connection that was not redirected has no record, and the answer is its own local address or an error of kind
/// `NotFound`: the caller refuses destinations that are the proxy's own ports.
pub fn original_destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    let socket = SockRef::from(stream);
    // A socket of the IPv6 family can carry IPv4 when it is dual-stack; the record is kept per protocol on the wire.
    let record = match stream.local_addr()? {
        SocketAddr::V6(local) if local.ip().to_ipv4_mapped().is_none() => socket.original_dst_v6(),
        _ => socket.original_dst_v4(),
    };
    record?.as_socket().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// Ends a connection so that the other side sees a reset and never a clean end of file.
pub fn reset(stream: TcpStream) {
    reset_on_close(&stream);
    drop(stream);
}

/// Makes the coming close of this socket a reset (`SO_LINGER` of zero seconds).
pub fn reset_on_close(stream: &TcpStream) {
    // The option is refused only for a descriptor that is no socket, which this type rules out.
    let _ = stream.set_zero_linger();
}

/// Sends FIN: nothing more will be written, reading goes on.
pub fn finish(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).shutdown(std::net::Shutdown::Write)
}

const KEEPALIVE_IDLE: Duration = Duration::from_secs(20);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;
/// As long as an unanswered ping is waited for (see [`crate::tunnel::TunnelLimits`]): two clocks, one verdict.
const TUNNEL_USER_TIMEOUT: Duration = Duration::from_secs(30);
