//! Why the CA did not do what it was asked.

use bulkhead_identity::tls::OwnIdentityError;
use bulkhead_identity::{KeyError, PeerError};
use bulkhead_protocol::transport::ConnectError;
use tonic::{Code, Status};

use super::super::directory::Unexpected;
use super::FileError;

/// Why the CA did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CaError {
    #[error(transparent)]
    File(#[from] FileError),
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
    #[error("the CA broke the protocol")]
    Protocol(#[from] Unexpected),
    #[error(
        "the certificate that the CA gave for this pod's token is not the directory source's; the CA's `--directory-account` \
         must name this pod's service account"
    )]
    NotTheSource(#[source] PeerError),
    #[error("a key could not be made")]
    Key(#[from] KeyError),
    #[error("a certificate request could not be made")]
    Request(#[source] rcgen::Error),
    #[error("the certificate cannot be shown")]
    Own(#[from] OwnIdentityError),
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
}

impl CaError {
    /// Whether the CA has decided against this certificate or this token.
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
