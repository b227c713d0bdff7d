//! What the tests stand on: two ends of a tunnel, a peer that speaks frames by hand, sockets on loopback.

pub(crate) mod captured;
pub(crate) mod path;
pub(crate) mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_proxy::tunnel::client::{self, H2Tunnel};
use bulkhead_proxy::tunnel::server::{self, H2Acceptor, H2Incoming};
use bulkhead_proxy::tunnel::{Acceptor, Arrival, Closed, Connect, Control, Transport, TunnelLimits};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The one deadline of every wait in these tests; it is reached only by a failure.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(DEADLINE, future).await;
    in_time.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

pub(crate) const TARGET: &str = "10.9.0.2:5432";

pub(crate) fn connect() -> Connect {
    Connect { target: TARGET.parse().unwrap(), client: None }
}

/// Both ends of a tunnel, each driven by a task.
pub(crate) struct Ends {
    pub(crate) tunnel: H2Tunnel,
    pub(crate) driver: JoinHandle<Closed>,
    pub(crate) requests: mpsc::UnboundedReceiver<Arrival<H2Incoming>>,
    pub(crate) server: Control,
}

pub(crate) async fn ends(limits: &TunnelLimits) -> Ends {
    let (near, far) = tokio::io::duplex(1 << 20);
    ends_over(near, far, limits).await
}

pub(crate) async fn ends_over<T: Transport>(near: T, far: T, limits: &TunnelLimits) -> Ends {
    let (client, acceptor) = tokio::join!(client::start(near, limits), accept_in_task(far, limits));
    let (tunnel, driver) = client.unwrap();
    let (requests, server) = acceptor;
    Ends { tunnel, driver: tokio::spawn(driver), requests, server }
}

async fn accept_in_task<T: Transport>(
    io: T,
    limits: &TunnelLimits,
) -> (mpsc::UnboundedReceiver<Arrival<H2Incoming>>, Control) {
    let acceptor = server::start(io, limits).await.unwrap();
    let control = acceptor.control().clone();
    (requests_of(acceptor), control)
}

pub(crate) fn requests_of<T: Transport>(mut acceptor: H2Acceptor<T>) -> mpsc::UnboundedReceiver<Arrival<H2Incoming>> {
    let (send, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(arrival) = acceptor.accept().await {
            // A test that has seen enough has dropped the other end.
            let _ = send.send(arrival);
        }
    });
    requests
}

/// The next request, which must be well-formed.
pub(crate) async fn request(requests: &mut mpsc::UnboundedReceiver<Arrival<H2Incoming>>) -> H2Incoming {
    match within("a request", requests.recv()).await {
        Some(Arrival::Request(incoming)) => incoming,
        other => panic!("expected a request, got {other:?}"),
    }
}

pub(crate) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// A client's tunnel against a peer that the test plays by hand.
pub(crate) async fn client_of(peer: DuplexStream, limits: &TunnelLimits) -> (H2Tunnel, JoinHandle<Closed>) {
    let (tunnel, driver) = within("the client's tunnel", client::start(peer, limits)).await.unwrap();
    (tunnel, tokio::spawn(driver))
}

/// Writes until nothing moves any more, because nobody reads at the other end; says how much was written.
pub(crate) async fn fill(socket: &TcpStream) -> usize {
    let (mut written, mut refused, bytes) = (0, 0, vec![7; 65_536]);
    while refused < 1000 {
        // All parties live on this thread: when they have had their turn a thousand times in vain, every buffer is full.
        tokio::task::yield_now().await;
        match socket.try_write(&bytes) {
            Ok(count) => (written, refused) = (written + count, 0),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => refused += 1,
            Err(error) => panic!("cannot fill: {error}"),
        }
    }
    written
}
