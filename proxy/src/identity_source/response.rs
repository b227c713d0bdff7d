//! Reads what the agent says: exactly one certificate with its key and the roots, or a sentence why not.

use std::sync::Arc;

use bulkhead_identity::bundle::BundleError;
use bulkhead_identity::tls::{OwnIdentity, OwnIdentityError};
use bulkhead_identity::{CertificateError, KeyError, Limits, PrivateKey, TrustBundle, key_digest};
use bulkhead_mesh::SpiffeId;
use bulkhead_protocol::workload_api::{X509svid, X509svidResponse};

use super::own::{OwnError, Svid};
use super::split::{SplitError, SplitLimits, split};

/// The one certificate in a response that is to be used.
pub(super) fn read(response: X509svidResponse, expected: Option<&SpiffeId>) -> Result<Svid, ResponseError> {
    let X509svid { spiffe_id, x509_svid, x509_svid_key, bundle, .. } = choose(response.svids, expected)?;
    let name: SpiffeId = spiffe_id
        .parse()
        .map_err(|source| ResponseError::Name { text: shown(&spiffe_id), source: Box::new(source) })?;
    let chain = split(&x509_svid, CHAIN).map_err(ResponseError::Chain)?;
    for issuer in chain.iter().skip(1) {
        key_digest(issuer, &Limits::default()).map_err(ResponseError::Issuer)?;
    }
    let identity = OwnIdentity::new(chain, &PrivateKey::from_pkcs8(x509_svid_key)?)?;
    let roots = split(&bundle, ROOTS).map_err(ResponseError::Roots)?;
    let bundle = TrustBundle::new(name.trust_domain().clone(), roots)?;
    let svid = Svid::new(identity, Arc::new(bundle))?;
    if *svid.id() == name { Ok(svid) } else { Err(ResponseError::OtherName { said: name, found: svid.id().clone() }) }
}

/// Taking the first of several would be a guess about who this workload is.
fn choose(mut svids: Vec<X509svid>, expected: Option<&SpiffeId>) -> Result<X509svid, ResponseError> {
    let found = svids.len();
    if let Some(expected) = expected {
        let text = expected.to_string();
        svids.retain(|svid| svid.spiffe_id == text);
    }
    match (<[X509svid; 1]>::try_from(svids), expected) {
        (Ok([svid]), _) => Ok(svid),
        (Err(_), Some(expected)) => Err(ResponseError::NotExpected { expected: expected.clone(), found }),
        (Err(_), None) => Err(ResponseError::NotOne { found }),
    }
}

/// The beginning of a text that somebody else wrote.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Why a response is not believed. The certificate from before stays in use.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum ResponseError {
    #[error("the agent offers {found} identities where there must be one")]
    NotOne { found: usize },
    #[error("of the {found} identities that the agent offers, not exactly one is `{expected}`")]
    NotExpected { expected: SpiffeId, found: usize },
    #[error("the agent's name for this workload, `{text}`, is no SPIFFE ID")]
    Name { text: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the chain cannot be taken apart")]
    Chain(#[source] SplitError),
    #[error("a certificate of the chain cannot be read")]
    Issuer(#[source] CertificateError),
    #[error("the key cannot be used")]
    Key(#[from] KeyError),
    #[error("chain and key do not belong together")]
    Identity(#[from] OwnIdentityError),
    #[error("the roots cannot be taken apart")]
    Roots(#[source] SplitError),
    #[error("the roots are no trust bundle")]
    Bundle(#[from] BundleError),
    #[error("the certificate is not that of a workload")]
    Own(#[from] OwnError),
    #[error("the agent speaks of `{said}`, and the certificate of `{found}`")]
    OtherName { said: SpiffeId, found: SpiffeId },
}

impl ResponseError {
    /// What the reader can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotOne { .. } => Some("say which identity this proxy serves, or give each workload its own socket"),
            Self::NotExpected { .. } => Some("compare the expected identity with the registration of this workload"),
            _ => None,
        }
    }
}

const CHAIN: SplitLimits = SplitLimits { certificates: 4, certificate_bytes: 16 << 10 };
/// An old and a new root at a time are usual.
const ROOTS: SplitLimits = SplitLimits { certificates: 16, certificate_bytes: 16 << 10 };
const SHOWN: usize = 100;
