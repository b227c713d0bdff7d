//! The admin port: whether the agent lives, whether it is ready, and what it has counted.
//!
//! It has no authentication, so it listens on a loopback address unless somebody says otherwise, and it tells nothing that is
//! secret.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::warn;

use crate::metrics::OPEN_METRICS;
use crate::questions::{Answer, converse, health, text};
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
        if address.ip().is_loopback() {
            Self::bind_exposed(address).await
        } else {
            Err(AdminError::NotLoopback { address })
        }
    }

    /// Binds the port at any address: in a pod the kubelet asks from outside, and so does whoever collects metrics.
    pub async fn bind_exposed(address: SocketAddr) -> Result<Self, AdminError> {
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
    converse(stream, |request| ready(respond(&request, subject.as_ref()))).await;
}

fn respond(request: &Request<Incoming>, subject: &dyn Subject) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let mut response = text(StatusCode::OK, subject.metrics());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
            response
        }
        (&Method::GET, path) => health(path, subject).unwrap_or_else(nothing),
        _ => nothing(),
    }
}

fn nothing() -> Answer {
    text(StatusCode::NOT_FOUND, "here are GET /live, /ready and /metrics\n")
}

/// Out of descriptors or memory: to try again at once would spin.
async fn rest(error: &io::Error) {
    warn!(%error, "cannot accept a connection to the admin port");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

const MAX_CONNECTIONS: usize = 32;
