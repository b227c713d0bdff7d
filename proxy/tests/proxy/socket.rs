//! Sockets and listeners.

use std::future::Future;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bulkhead_lab::Host;
use bulkhead_proxy::socket::{self, Listener, Purpose, Reach};
use socket2::SockRef;

use crate::support::captured::Street;
use crate::support::{DEADLINE, within};

#[tokio::test]
async fn a_port_is_reached_on_both_families() {
    let mut listener = Listener::bind(0, Reach::Loopback).unwrap();
    let port = listener.port().unwrap();
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let connecting = socket::connect(SocketAddr::new(address, port), Purpose::Application);
        let (stream, (_, peer)) = tokio::join!(connecting, listener.accept());
        assert_eq!(stream.unwrap().local_addr().unwrap(), peer);
        assert_eq!(peer.ip(), address, "never an IPv4-mapped address");
    }
}

#[tokio::test]
async fn this_host_is_reached_from_the_address_that_is_called() {
    let mut listener = Listener::bind(0, Reach::Everywhere).unwrap();
    let port = listener.port().unwrap();
    for address in ["127.0.0.1", "127.0.7.7", "::1"] {
        let address: IpAddr = address.parse().unwrap();
        let connecting = socket::connect_here(SocketAddr::new(address, port), Purpose::Application);
        let (stream, (_, peer)) = tokio::join!(connecting, listener.accept());
        assert_eq!((stream.unwrap().local_addr().unwrap(), peer.ip()), (peer, address));
    }
}

#[tokio::test]
async fn nobody_else_is_reached_as_this_host() {
    for elsewhere in ["192.0.2.1:80", "[2001:db8::1]:80"] {
        let answer = socket::connect_here(elsewhere.parse().unwrap(), Purpose::Application);
        let answer = within("the refusal", answer).await;
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable, "{elsewhere}");
    }
}

#[test]
fn an_address_that_has_moved_to_a_neighbour_is_not_called_there() {
    let street = Street::new();
    let moving = SocketAddr::new(Ipv4Addr::new(10, 77, 99, 9).into(), 8080);
    let assign = |host: &Host, what| {
        let ip = host.command("ip").args(["address", what, &format!("{}/32", moving.ip()), "dev", "lo"]);
        ip.run(DEADLINE).unwrap().success("moving the address").unwrap();
    };
    let call_here = || call(&street.workload, || socket::connect_here(moving, Purpose::Application));
    assign(&street.workload, "add");
    let served = street.workload.inside(|| TcpListener::bind(moving)).unwrap().unwrap();
    call_here().unwrap();
    drop(served);

    assign(&street.workload, "del");
    assign(&street.neighbour, "add");
    let neighbour = street.neighbour.inside(|| TcpListener::bind(moving)).unwrap().unwrap();
    neighbour.set_nonblocking(true).unwrap();
    assert_eq!(call_here().unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(neighbour.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    call(&street.workload, || socket::connect(moving, Purpose::Application)).unwrap();
    assert!(neighbour.accept().is_ok(), "it could have been called there");
}

/// Connects in a host's namespace.
fn call<F: Future<Output = io::Result<tokio::net::TcpStream>>>(
    host: &Host,
    connect: impl FnOnce() -> F + Send,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    host.inside(|| runtime.block_on(async { within("a connection", connect()).await.map(drop) })).unwrap()
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let first = Listener::bind(0, Reach::Everywhere).unwrap();
    let second = Listener::bind(first.port().unwrap(), Reach::Everywhere).map(drop);
    assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn sockets_notice_a_dead_peer_before_conntrack_forgets() {
    let mut listener = Listener::bind(0, Reach::Loopback).unwrap();
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.port().unwrap());
    for (purpose, user_timeout) in [(Purpose::Application, None), (Purpose::Tunnel, Some(Duration::from_secs(30)))] {
        let (stream, _) = tokio::join!(socket::connect(address, purpose), listener.accept());
        let stream = stream.unwrap();
        let options = SockRef::from(&stream);
        assert!(options.tcp_nodelay().unwrap() && options.keepalive().unwrap());
        assert!(options.tcp_keepalive_time().unwrap() <= Duration::from_secs(30));
        assert_eq!(options.tcp_user_timeout().unwrap(), user_timeout);
    }
}

/// Runs `flooded` in a process that may have 64 descriptors, and floods it.
#[test]
fn a_listener_out_of_descriptors_resets_and_then_serves_again() {
    let itself = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" --exact socket::flooded --nocapture"])
        .arg(itself)
        .env(FLOODED, "1")
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = io::BufReader::new(child.stdout.take().unwrap());
    let port = line_after(&mut output, "port ").parse().unwrap();
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let flood: Vec<TcpStream> = (0..200).map(|_| connect()).collect();
    let served = flood.iter().filter(|stream| (&mut &**stream).read(&mut [0]).is_ok_and(|count| count == 1)).count();
    assert!((10..64).contains(&served), "{served} served");
    drop(flood);
    let deadline = Instant::now() + DEADLINE;
    while connect().read_exact(&mut [0]).is_err() {
        assert!(Instant::now() < deadline, "it serves again once descriptors are free");
    }
    drop(child.stdin.take());
    assert!(line_after(&mut output, "shed ").parse::<usize>().unwrap() >= 200 - served);
    assert!(child.wait().unwrap().success());
}

/// The other half of the test above: does nothing unless it is started by it. Greets everybody with one byte and holds
/// the connection until the peer closes.
#[tokio::test]
async fn flooded() {
    if std::env::var_os(FLOODED).is_none() {
        return;
    }
    let mut listener = Listener::bind(0, Reach::Loopback).unwrap();
    println!("\nport {}", listener.port().unwrap());
    let told_to_end = tokio::task::spawn_blocking(|| io::stdin().read(&mut [0]));
    let mut told_to_end = std::pin::pin!(told_to_end);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut told_to_end => break,
        };
        tokio::spawn(async move {
            stream.writable().await.and_then(|()| stream.try_write(b"!")).unwrap();
            while stream.readable().await.is_ok() && !matches!(stream.try_read(&mut [0; 8]), Ok(0)) {}
        });
    }
    println!("\nshed {}", listener.shed());
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let mut listener = Listener::bind(0, Reach::Loopback).unwrap();
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.port().unwrap());
    let (stream, (accepted, _)) = tokio::join!(socket::connect(address, Purpose::Application), listener.accept());
    socket::reset(accepted);
    let mut stream = stream.unwrap();
    let read = within("the reset", tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 8])).await;
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

fn line_after(output: &mut impl io::BufRead, prefix: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "the child ended before `{prefix}`");
        if let Some(rest) = line.trim_end().strip_prefix(prefix) {
            return rest.to_owned();
        }
    }
}

const FLOODED: &str = "BULKHEAD_TEST_FLOODED";
