//! Why the CA did not do what it was asked.

use bulkhead_identity::tls::OwnIdentityError;
use bulkhead_protocol::attestation::AttestError;
use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::transport::ConnectError;
use tonic::{Code, Status};

/// Why the CA did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CaError {
    #[error("the CA cannot be reached")]
    Connect(#[from] ConnectError),
    #[error("the CA refused: {message}")]
    Refused { message: String },
    #[error("the CA did not answer as it should")]
    Failed(#[source] Box<Status>),
    #[error("the CA was silent for too long")]
    Silent,
    #[error("the CA ended the stream")]
    Ended,
    #[error("the CA broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the CA sent what has no meaning")]
    Convert(#[from] ConvertError),
    #[error("the node's certificate cannot be shown")]
    Own(#[from] OwnIdentityError),
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
}

impl CaError {
    /// Whether the CA has decided against us, so that asking again soon is of no use.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Connect(ConnectError::Refused { .. }))
    }
}

impl From<Status> for CaError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => Self::Refused { message: status.message().to_owned() },
            _ => Self::Failed(Box::new(status)),
        }
    }
}

impl From<AttestError> for CaError {
    fn from(error: AttestError) -> Self {
        match error {
            AttestError::Connect(error) => Self::Connect(error),
            AttestError::Refused { sentence } => Self::Refused { message: sentence },
            AttestError::Failed { sentence, code } => Self::Failed(Box::new(Status::new(code, sentence))),
            AttestError::Silent => Self::Silent,
        }
    }
}
