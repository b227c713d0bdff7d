//! A full handshake with the server's proxy, and one round trip through it.
//!
//! With TLS 1.3 a client's own handshake ends before the server has seen its certificate; the round trip proves that the
//! server has accepted it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::LoadError;
use super::failure::Failure;
use super::kind::Own;
use super::meter::Meter;
use super::tls;
use super::wire::{FAREWELL, TRIP, dial, opening, round_trip, until_end};
use crate::work::{Cold, Dialect};

/// How to speak to a server's proxy.
#[derive(Clone, Debug)]
pub(super) struct Cellar {
    config: Arc<ClientConfig>,
    dialect: Dialect,
    authority: SocketAddr,
}

impl Cellar {
    /// Reads keys and certificates once for the whole run.
    pub(super) fn open(cold: &Cold) -> Result<Self, LoadError> {
        Ok(Self { config: tls::config(cold)?, dialect: cold.dialect, authority: cold.authority })
    }

    /// Connect, handshake, round trip, close; the latency counts to the answer.
    pub(super) async fn once(&self, target: SocketAddr, meter: &Meter) -> Result<(), Failure> {
        let began = Instant::now();
        let tcp = dial(target).await?;
        let name = ServerName::IpAddress(target.ip().into());
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp).await;
        let tls = connected.map_err(Failure::Tls)?;
        let took = match self.dialect {
            Dialect::Stream => stream(tls, began).await?,
            Dialect::Tunnel => tunnel(tls, self.authority, began).await?,
        };
        meter.done(took, TRIP);
        Ok(())
    }
}

async fn stream(mut tls: TlsStream<TcpStream>, began: Instant) -> Result<Duration, Failure> {
    let took = talk(&mut tls, began).await?;
    // Whether the proxy takes leave is its own affair.
    let _ = tls.shutdown().await;
    Ok(took)
}

async fn tunnel(tls: TlsStream<TcpStream>, authority: SocketAddr, began: Instant) -> Result<Duration, Failure> {
    let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(tls)).await?;
    // Dropped with this set, should anything fail.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(connect(authority)).await?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Status(response.status()));
    }
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await?);
    let took = talk(&mut stream, began).await?;
    drop((stream, sender));
    let _ = timeout(FAREWELL, driver.join_next()).await;
    Ok(took)
}

/// The round trip, and the application's end of the stream.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, began: Instant) -> Result<Duration, Failure> {
    round_trip(stream, &opening(Own::Once)).await?;
    let took = began.elapsed();
    match until_end(stream).await {
        // Some proxies end TCP without a word in TLS; nothing can be cut off after the last byte of the answer.
        Err(Failure::Receive(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(took),
        ended => ended.map(|()| took),
    }
}

fn connect(authority: SocketAddr) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority.to_string().parse::<Uri>().expect("an address is an authority");
    request
}
