//! The SPIFFE Workload API of one registration, on its own Unix socket.
//!
//! The socket is the identity; the caller's user and group narrow it further. What a caller may spend is bounded by
//! [`Limits`].

mod accept;
mod caller;
mod service;

use std::time::Duration;

use bulkhead_daemon::SharedClock;
use bulkhead_daemon::Stop;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tonic::transport::Server;

use crate::metrics::Metrics;
use crate::offer::Offer;
use crate::sockets::Owner;

use service::Service;

/// What the clients of one socket may take together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections to one socket at a time; one more is closed at once.
    pub connections: usize,
    /// Streams on one connection at a time; further ones wait (HTTP/2 SETTINGS_MAX_CONCURRENT_STREAMS).
    pub streams: u32,
    /// How long a client waits for the first certificate before it is told to come again.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, streams: 16, patience: Duration::from_secs(30) }
    }
}

/// One registration's API.
#[derive(Clone, Debug)]
pub struct WorkloadApi {
    /// Who may call.
    pub owner: Owner,
    /// What is given.
    pub offers: watch::Receiver<Offer>,
    /// What callers may take.
    pub limits: Limits,
    /// The time.
    pub clock: SharedClock,
    /// What is counted.
    pub metrics: Metrics,
}

impl WorkloadApi {
    /// Answers on `listener` until stopped, then lets the streams that are open end with their reason.
    pub async fn serve(self, listener: UnixListener, stop: Stop) -> Result<(), tonic::transport::Error> {
        let incoming = accept::incoming(listener, self.limits.connections, self.metrics.clone());
        let service = Service::new(self.clone()).into_server(MAX_REQUEST);
        let answering = Server::builder()
            .max_concurrent_streams(self.limits.streams)
            .http2_max_header_list_size(MAX_HEADERS)
            .max_frame_size(MAX_FRAME)
            .serve_with_incoming_shutdown(service, incoming, stop.stopped());
        tokio::select! {
            result = answering => result,
            () = patience_after(&stop) => Ok(()),
        }
    }
}

/// A client that does not read cannot hold the agent back.
async fn patience_after(stop: &Stop) {
    stop.stopped().await;
    tokio::time::sleep(GRACE).await;
}

/// The requests of the X.509 profile are empty messages; what is larger is none of them.
const MAX_REQUEST: usize = 1024;
/// Metadata of a request, in bytes.
const MAX_HEADERS: u32 = 8 * 1024;
/// The smallest that HTTP/2 allows as a maximum (RFC 9113, section 6.5.2).
const MAX_FRAME: u32 = 16 * 1024;
/// How long a stopping server waits for its clients to take the end of their streams.
const GRACE: Duration = Duration::from_secs(2);
