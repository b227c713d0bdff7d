//! Why the injector cannot run.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_cluster::injection::Quantity;
use bulkhead_daemon::AdminError;
use tokio::task::JoinError;

/// Why the injector does not start, or has ended by itself.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum InjectorError {
    #[error("`--{flag}`: {amount} is no whole number of bytes; megabytes are written `128Mi`")]
    NoWholeBytes { flag: &'static str, amount: Quantity },
    #[error("`--serving-name`: `{name}` is neither a name nor an address that a certificate can have")]
    ServingName { name: String },
    #[error(
        "`--certificate-renewal` ({}) must be less than `--certificate-lifetime` ({}): each certificate would be replaced at once",
        written(renewal),
        written(lifetime)
    )]
    RenewalTooEarly { renewal: Duration, lifetime: Duration },
    #[error(
        "`--certificate-renewal` ({}) must be more than `--certificate-settle` and eight times `--certificate-check` ({}): the old \
         certificate could end before the new one is in use",
        written(renewal),
        written(needed)
    )]
    RenewalTooLate { renewal: Duration, needed: Duration },
    #[error("there is neither a cluster around this program nor a KUBECONFIG that names one")]
    NoCluster(#[source] kube::config::InferConfigError),
    #[error("cannot speak to the cluster")]
    Client(#[source] kube::Error),
    #[error("cannot listen on {address} for the API server; `--listen` must name a port that nobody else uses")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("{}", .0.hint())]
    Admin(#[source] AdminError),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("a part of the injector has failed")]
    Task(#[source] JoinError),
}

fn written(duration: &Duration) -> String {
    format!("{} s", duration.as_secs())
}
