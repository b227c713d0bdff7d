//! The share of an address: whoever holds all places that it may have stands in nobody else's way.

use std::future::Future;
use std::io;

use bulkhead_identity::Demand;
use bulkhead_identity::tls::unused_server_name;
use bulkhead_mesh::ControlRole;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{DEADLINE, World, soon};

const GREEDY: &str = "127.0.0.1:0";
const OTHER: &str = "127.0.0.2:0";

#[tokio::test]
async fn an_address_that_holds_its_share_of_strangers_keeps_nobody_else_out() {
    let world = World::with(|options| options.strangers.per_address = 2).await;
    let _held = [stranger(&world, GREEDY).await.unwrap(), stranger(&world, GREEDY).await.unwrap()];
    stranger(&world, GREEDY).await.unwrap_err();
    assert_eq!(world.ca().metrics.refused_handshakes.get(), 1);
    stranger(&world, OTHER).await.unwrap();
    // Who shows a certificate needs no place, not even one of that address.
    world.channel(&world.founder).await;
}

#[tokio::test]
async fn the_place_of_a_stranger_who_leaves_comes_back() {
    let world = World::with(|options| options.strangers.per_address = 1).await;
    let held = stranger(&world, GREEDY).await.unwrap();
    stranger(&world, GREEDY).await.unwrap_err();
    drop(held);
    until_let_in(|| stranger(&world, GREEDY)).await;
}

#[tokio::test]
async fn an_address_that_holds_its_share_of_handshakes_keeps_nobody_else_out() {
    let world = World::with(|options| {
        options.strangers.accept.per_address = 1;
        options.strangers.accept.handshake = DEADLINE;
    });
    let world = world.await;
    let silent = dial(&world, GREEDY).await.unwrap();
    stranger(&world, GREEDY).await.unwrap_err();
    assert_eq!(world.ca().metrics.refused_handshakes.get(), 1);
    stranger(&world, OTHER).await.unwrap();
    drop(silent);
    until_let_in(|| stranger(&world, GREEDY)).await;
}

#[tokio::test]
async fn who_has_shown_a_certificate_gives_the_place_of_its_handshake_back() {
    let world = World::with(|options| options.strangers.accept.per_address = 1).await;
    let _first = world.channel(&world.founder).await;
    until_let_in(|| world.connect(Some(&world.founder))).await;
}

/// Somebody without a certificate who calls from that address and has heard the CA's first word.
async fn stranger(world: &World, from: &str) -> io::Result<TlsStream<TcpStream>> {
    let (config, _slot) = world.connector(None).begin(Demand::control(ControlRole::Ca));
    let tcp = dial(world, from).await?;
    let mut stream = soon(TlsConnector::from(config).connect(unused_server_name(), tcp)).await?;
    soon(stream.read_u8()).await?;
    Ok(stream)
}

async fn dial(world: &World, from: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(from.parse().unwrap())?;
    soon(socket.connect(world.address().parse().unwrap())).await
}

/// The CA notices an end a moment after it has come.
async fn until_let_in<T, E, F: Future<Output = Result<T, E>>>(mut call: impl FnMut() -> F) {
    let let_in = async {
        while call().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(let_in).await;
}
