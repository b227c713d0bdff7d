//! Servers for tests: the real application, and some that do it wrong.

pub(super) mod proxy;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{listen, serve};
use crate::Order;
use crate::work::Work;

/// The application, on a port of its own.
pub(super) async fn application() -> SocketAddr {
    let listener = listen(LOOPBACK.parse().expect("an address")).expect("the loopback has ports");
    let address = listener.local_addr().expect("it listens");
    tokio::spawn(serve(listener));
    address
}

/// A server that does this with each connection, which is given with its number.
pub(super) async fn server<F, W>(attend: F) -> SocketAddr
where
    F: Fn(TcpStream, u32) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(LOOPBACK).await.expect("the loopback has ports");
    let address = listener.local_addr().expect("it listens");
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(attend(stream, number));
        }
    });
    address
}

/// A port on which nobody listens.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind(LOOPBACK).await.and_then(|listener| listener.local_addr()).expect("the loopback has ports")
}

/// A short run.
pub(super) fn order(work: Work, target: SocketAddr) -> Order {
    let (warm_up, measured) = (Duration::from_millis(30), Duration::from_millis(200));
    Order { work, target, warm_up, measured, watch: vec![std::process::id()], cold: None }
}

const LOOPBACK: &str = "127.0.0.1:0";
