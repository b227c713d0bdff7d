//! The admin port: whether the agent lives, whether it is ready, and what it has counted.
//!
//! It has no authentication, so it listens on a loopback address, and it tells nothing that is secret.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::warn;

use crate::metrics::OPEN_METRICS;
use crate::stop::Stop;

/// What the port can ask of the program.
pub trait Subject: Send + Sync + 'static {
    /// Nothing when the program does its work, else a sentence that says what is missing.
    fn not_ready(&self) -> Option<String>;

    /// All metrics in the OpenMetrics text format.
    fn metrics(&self) -> String;
}

/// The port, bound.
#[derive(Debug)]
pub struct AdminPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl AdminPort {
    /// Binds the port; an address that is not of this host alone is refused.
    pub async fn bind(address: SocketAddr) -> Result<Self, AdminError> {
        if !address.ip().is_loopback() {
            return Err(AdminError::NotLoopback { address });
        }
        let failed = |source| AdminError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until stopped; connections that are open then are closed.
    pub async fn serve(self, subject: Arc<dyn Subject>, stop: Stop) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.stopped() => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(answer(stream, Arc::clone(&subject)))),
                    Err(error) => rest(&error).await,
                },
            }
        }
    }
}

/// Why the port cannot be had.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum AdminError {
    #[error("the admin port has no authentication, and {address} is not a loopback address")]
    NotLoopback { address: SocketAddr },
    #[error("cannot listen on {address} for the admin port")]
    Bind { address: SocketAddr, source: io::Error },
}

impl AdminError {
    /// What a person can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotLoopback { .. } => "`--admin` must name 127.0.0.1 or [::1] and a port",
            Self::Bind { .. } => "`--admin` must name a port that nobody else uses",
        }
    }
}

async fn answer(stream: TcpStream, subject: Arc<dyn Subject>) {
    let service = service_fn(|request| {
        let response = respond(&request, subject.as_ref());
        async { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // A client that is gone has no use for an error, and neither has the log.
    let _ = connection.await;
}

fn respond(request: &Request<Incoming>, subject: &dyn Subject) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/live") => text(StatusCode::OK, "live\n"),
        (&Method::GET, "/ready") => match subject.not_ready() {
            None => text(StatusCode::OK, "ready\n"),
            Some(missing) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
        },
        (&Method::GET, "/metrics") => {
            let mut response = text(StatusCode::OK, subject.metrics());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
            response
        }
        _ => text(StatusCode::NOT_FOUND, "here are GET /live, /ready and /metrics\n"),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// Out of descriptors or memory: to try again at once would spin.
async fn rest(error: &io::Error) {
    warn!(%error, "cannot accept a connection to the admin port");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

const MAX_CONNECTIONS: usize = 32;
const MAX_HEADERS: usize = 16 * 1024;
const HEADER_DEADLINE: Duration = Duration::from_secs(5);
