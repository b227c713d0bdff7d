//! One attempt: reads what the kubelet and the mesh's operator have written, and asks the CA with it.

use std::sync::Arc;

use bulkhead_identity::tls::{Connector, Trust};
use bulkhead_identity::{KeyError, Limits, PrivateKey, StoredIdentity, TrustBundle, signing_request};
use bulkhead_protocol::attestation::{AttestError, PodTokenError, RootsError, attest};
use bulkhead_protocol::transport::{ConnectError, ConnectLimits};

use super::TokenSource;
use super::held::HeldError;
use crate::clocks::SharedClocks;
use crate::truth::{Truth, TruthForTheCa};

/// Asks with a new key, so that a copy of the old one is worth nothing after the renewal. The answer is not looked at.
pub(super) async fn ask(
    source: &TokenSource,
    bundle: &Arc<TrustBundle>,
    truth: &Arc<Truth>,
    clocks: &SharedClocks,
) -> Result<StoredIdentity, AttemptError> {
    let token = source.token.read()?;
    let key = PrivateKey::generate()?;
    let trust = Trust {
        bundle: Arc::clone(bundle),
        truth: Arc::new(TruthForTheCa(Arc::clone(truth))),
        clock: Arc::clone(clocks) as _,
        limits: Limits::default(),
    };
    let connector = Connector::new(None, trust, &[b"h2"]).map_err(AttemptError::Configuration)?;
    let request = signing_request(&key)?;
    let answer = attest(&source.ca, &connector, ConnectLimits::default(), &token, request).await?;
    Ok(StoredIdentity { key, chain: answer.chain })
}

/// Why an attempt has failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum AttemptError {
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(transparent)]
    Token(#[from] PodTokenError),
    #[error("no request can be made")]
    Key(#[from] KeyError),
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
    #[error(transparent)]
    Ca(#[from] AttestError),
    #[error("what the CA answered is refused")]
    Answer(#[from] HeldError),
}

impl AttemptError {
    /// Whether the CA has decided against this workload.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Ca(error) if error.is_refusal())
    }

    /// What the reader can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Roots(error) => Some(error.hint()),
            Self::Token(error) => Some(error.hint()),
            Self::Ca(AttestError::Connect(ConnectError::NotTheCa { .. })) => {
                Some("`--ca` must name the CA of the mesh whose roots `--roots` holds")
            }
            Self::Answer(error) => error.hint(),
            Self::Key(_) | Self::Configuration(_) | Self::Ca(_) => None,
        }
    }
}
