//! How one operation can fail.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::StatusCode;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("no answer within {0:?}")]
    Silent(Duration),
    #[error("cannot send")]
    Send(#[source] io::Error),
    #[error("cannot receive")]
    Receive(#[source] io::Error),
    #[error("the connection ended early")]
    Ended,
    #[error("the answer is another than the one expected")]
    Answer,
    #[error("{sent} bytes were sent, and {taken} arrived")]
    Lost { sent: u64, taken: u64 },
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("HTTP failed")]
    Http(#[from] hyper::Error),
    #[error("answered with HTTP status {0}")]
    Status(StatusCode),
    #[error("answered with grpc-status {0}")]
    GrpcStatus(String),
    #[error("a task of the load generator did not come to its end")]
    Task(#[from] tokio::task::JoinError),
}

impl Failure {
    /// What happened and all of its causes, on one line.
    pub(super) fn words(&self) -> String {
        let mut words = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_the_cause() {
        let refused = Failure::Connect(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(refused.words(), "cannot connect: connection refused");
    }
}
