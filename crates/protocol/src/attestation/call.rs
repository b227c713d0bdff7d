//! The one call, made once over a connection of its own, to whoever has proved to be the CA.

use std::time::Duration;

use bulkhead_identity::tls::Connector;
use rustls::pki_types::CertificateDer;
use tonic::{Code, Request, Status};

use super::PodToken;
use crate::transport::{ConnectError, ConnectLimits, connect};
use crate::v1::attestation_client::AttestationClient;
use crate::v1::{AttestRequest, CertificateReply};

/// A certificate as the CA answered it, not looked at yet.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The certificate and its intermediate, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The roots of the trust domain, as the CA has them.
    pub roots: Vec<CertificateDer<'static>>,
}

/// Asks the CA, at the first of `addresses` that proves to be it, for the certificate of whoever the token belongs to.
///
/// `connector` shows no certificate and holds the CA against the roots; not a byte of the token goes to anybody else.
pub async fn attest(
    addresses: &[String],
    connector: &Connector,
    limits: ConnectLimits,
    token: &PodToken,
    csr: Vec<u8>,
) -> Result<Answer, AttestError> {
    let channel = connect(addresses, connector, limits).await?;
    let mut client = AttestationClient::new(channel).max_decoding_message_size(LONGEST_ANSWER);
    let mut request = Request::new(AttestRequest { token: token.as_str().to_owned(), csr });
    request.set_timeout(DEADLINE);
    let reply = tokio::time::timeout(DEADLINE, client.attest(request)).await.map_err(|_| AttestError::Silent)?;
    Ok(reply?.into_inner().into())
}

impl From<CertificateReply> for Answer {
    fn from(reply: CertificateReply) -> Self {
        let certificates = |list: Vec<Vec<u8>>| list.into_iter().map(CertificateDer::from).collect();
        Self { chain: certificates(reply.chain), roots: certificates(reply.roots) }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum AttestError {
    #[error("the CA cannot be reached")]
    Connect(#[from] ConnectError),
    #[error("the CA refused: {sentence}")]
    Refused { sentence: String },
    #[error("the CA did not answer as it should: {sentence}")]
    Failed { sentence: String, code: Code },
    #[error("the CA was silent for too long")]
    Silent,
}

impl AttestError {
    /// Whether the CA has decided against this caller. What it decides by may change, but not by asking again soon.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl From<Status> for AttestError {
    fn from(status: Status) -> Self {
        let sentence = one_line(status.message());
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => Self::Refused { sentence },
            code => Self::Failed { sentence, code },
        }
    }
}

/// The beginning of what the CA says, on one line: it is shown in a log and at a port.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST_SENTENCE).collect()
}

/// For the answer: the CA asks its cluster about the token meanwhile.
const DEADLINE: Duration = Duration::from_secs(10);
/// A chain of four and sixteen roots, with room to spare.
const LONGEST_ANSWER: usize = 1 << 20;
const LONGEST_SENTENCE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_decision_of_the_ca_is_a_refusal() {
        for (code, refusal) in [
            (Code::PermissionDenied, true),
            (Code::Unauthenticated, true),
            (Code::Unavailable, false),
            (Code::ResourceExhausted, false),
            (Code::DeadlineExceeded, false),
            (Code::InvalidArgument, false),
        ] {
            let error = AttestError::from(Status::new(code, "node `n1` is\nrevoked"));
            assert_eq!(error.is_refusal(), refusal, "{code:?}");
            assert!(error.to_string().ends_with("node `n1` is revoked"), "{error}");
        }
        assert!(!AttestError::Silent.is_refusal());
    }

    #[test]
    fn of_a_long_speech_the_beginning_is_shown() {
        let AttestError::Refused { sentence } = Status::permission_denied("ä".repeat(10_000)).into() else { panic!() };
        assert_eq!(sentence.chars().count(), LONGEST_SENTENCE);
    }
}
