//! Why the CA gave no answer, or one that says no.

use std::error::Error as _;
use std::time::Duration;

use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::transport::ConnectError;
use tonic::{Code, Status};

use crate::text::printable;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ClientError {
    #[error("the CA was not reached")]
    NotReached(#[source] Box<ConnectError>),
    #[error("the operator's key cannot be used for TLS")]
    Configuration(#[source] rustls::Error),
    #[error("the connection to the CA broke: {reason}")]
    Broken { reason: String },
    #[error("the CA did not answer within {limit:?}; what was asked may or may not be done")]
    Silent { limit: Duration },
    #[error("the CA ended its answer early")]
    CutShort,
    /// In the CA's own words.
    #[error("{message}")]
    Refused { message: String },
    /// In the CA's own words.
    #[error("{message}")]
    NotFound { message: String },
    #[error("the CA's answer makes no sense to this command")]
    Nonsense(#[from] ConvertError),
}

impl ClientError {
    /// Whether the CA was not reached or did not answer, in contrast to an answer that says no.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::NotReached(_) | Self::Configuration(_) | Self::Broken { .. } | Self::Silent { .. })
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotReached(reason) if matches!(**reason, ConnectError::NotTheCa { .. }) => {
                Some("nothing was sent there; check `--ca`, and that `--roots` is this mesh's root".into())
            }
            Self::NotReached(_) => Some("check `--ca`, and that `bulkhead-ca serve` runs there".into()),
            // TLS 1.3 has the client finish first: a refused certificate is heard of at the first call.
            Self::Broken { .. } => Some("a CA that refuses the operator's certificate ends the connection so".into()),
            Self::Nonsense(_) => Some("a CA may be one version newer than this command, and no more".into()),
            _ => None,
        }
    }
}

impl From<ConnectError> for ClientError {
    fn from(error: ConnectError) -> Self {
        Self::NotReached(Box::new(error))
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        // What the CA sent has no source; what went wrong on the way has one.
        if let Some(reason) = innermost(&status) {
            return Self::Broken { reason };
        }
        let message = match status.message() {
            "" => status.code().description().to_owned(),
            words => printable(words),
        };
        if status.code() == Code::NotFound { Self::NotFound { message } } else { Self::Refused { message } }
    }
}

/// What lies at the bottom of a failure of the connection; the layers above it only say that there was one.
fn innermost(status: &Status) -> Option<String> {
    let mut cause = status.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(printable(&cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ca_wrote_is_shown_as_it_wrote_it_without_commands_to_the_terminal() {
        let refused = ClientError::from(Status::permission_denied("only an `owner` may do this\u{1b}[2J"));
        assert_eq!(refused.to_string(), "only an `owner` may do this[2J");
        assert!(!refused.is_out_of_reach());
    }

    #[test]
    fn a_refusal_without_words_still_says_something() {
        let refused = ClientError::from(Status::unimplemented(""));
        assert_eq!(refused.to_string(), "Operation is not implemented or not supported");
    }

    #[test]
    fn a_broken_connection_is_not_an_answer() {
        let broken = std::io::Error::other("received fatal alert: CertificateExpired");
        let broken = ClientError::from(Status::from_error(Box::new(broken)));
        assert!(broken.is_out_of_reach());
        assert!(broken.to_string().ends_with("CertificateExpired"), "{broken}");
    }
}
