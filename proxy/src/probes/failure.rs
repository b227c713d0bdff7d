//! Why a probe did not pass, in words for whoever reads the orchestrator's events or this proxy's debug log.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_mesh::probe::{Check, Scheme};
use hyper::StatusCode;
use tonic::Code;

use super::health::Health;

/// Why a probe did not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("as many probes as may be are under way already ({most}, `--max-probes`)")]
    TooMany { most: usize },
    #[error("no address of this workload is known")]
    NoAddress,
    #[error("cannot connect to {at}")]
    Unreachable { at: SocketAddr, source: io::Error },
    #[error("the answer of {at} does not pass")]
    Answer { at: SocketAddr, source: Complaint },
    #[error("there was no answer within {} s", .limit.as_secs())]
    TooSlow { limit: Duration },
}

/// What is wrong with what the application says, or with what was to be said to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Complaint {
    #[error("the request cannot be written")]
    Request(#[source] http::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("HTTP failed")]
    Http(#[source] hyper::Error),
    #[error("the status is {status}")]
    Status { status: StatusCode },
    #[error("the message does not end as it should")]
    Message(#[source] Box<dyn Error + Send + Sync>),
    #[error("there is no gRPC status")]
    NoGrpcStatus,
    #[error("the gRPC call failed ({code})")]
    GrpcStatus { code: Code },
    #[error("the message is not one of grpc.health.v1")]
    NotHealth,
    #[error("the health is {health}")]
    NotServing { health: Health },
}

/// What is asked, and where. A path's query and the headers are left out, since they may be secret and whoever reaches
/// the port reads this.
pub(super) struct Asked<'a>(pub(super) &'a Check);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port();
        match self.0 {
            Check::Http(http) => {
                let path = http.path.split('?').next().unwrap_or_default();
                let scheme = if http.scheme == Scheme::Https { "HTTPS" } else { "HTTP" };
                write!(f, "GET {path} over {scheme} on port {port}")
            }
            Check::Tcp { .. } => write!(f, "a connection on port {port}"),
            Check::Grpc { service, .. } if service.is_empty() => write!(f, "gRPC health of the server on port {port}"),
            Check::Grpc { service, .. } => write!(f, "gRPC health of `{service}` on port {port}"),
        }
    }
}
