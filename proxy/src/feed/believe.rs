//! Whose signatures count: the certificate of the feed key, verified for `/control/feed`, and the key in it.

use bulkhead_identity::profile::inspect;
use bulkhead_identity::{self as identity, Demand, Limits, PeerError, TrustBundle, Verifier};
use bulkhead_mesh::{ControlRole, Timestamp};
use bulkhead_protocol::feed::FeedVerifier;
use bulkhead_protocol::feed::signature::KeyError;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The verifier of what is said on a stream whose welcome shows this chain.
pub(super) fn feed_key(
    chain: &[Vec<u8>],
    bundle: &TrustBundle,
    truth: &identity::Truth,
    now: Timestamp,
) -> Result<FeedVerifier, FeedChainError> {
    let chain: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(certificate.as_slice())).collect();
    let (demand, limits) = (Demand::control(ControlRole::Feed), Limits::default());
    let verifier = Verifier { bundle, demand: &demand, truth, limits: &limits };
    verifier.verify(&chain, now)?;
    let leaf = chain.first().ok_or(PeerError::NoCertificate)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(FeedChainError::Leaf)?;
    Ok(FeedVerifier::new(&leaf.subject_public_key_info())?)
}

/// The verifier of what was kept on a disk under these chains; those that do not pass are left out.
///
/// A chain that has ended is looked at as it was at its end. What was believed in its time stays believed: a revocation
/// must not be forgotten because the certificate of the key that signed it has ended since.
pub(super) fn stored_keys(
    chains: &[Vec<Vec<u8>>],
    bundle: &TrustBundle,
    truth: &identity::Truth,
    now: Timestamp,
) -> FeedVerifier {
    let believed = |chain: &Vec<Vec<u8>>| {
        let leaf = inspect(chain.first()?, &truth.levels, &Limits::default()).ok()?;
        feed_key(chain, bundle, truth, now.min(leaf.not_after)).ok()
    };
    FeedVerifier::any_of(chains.iter().filter_map(believed))
}

/// Why the key of the feed is not believed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum FeedChainError {
    #[error("the chain is not that of the feed")]
    Chain(#[from] PeerError),
    #[error("the certificate of the feed cannot be read")]
    Leaf(#[source] webpki::Error),
    #[error("the certificate of the feed certifies no key of a feed")]
    Key(#[from] KeyError),
}
