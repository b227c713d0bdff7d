//! Whose signatures count, as a sidecar decides it.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result};
use bulkhead_identity::tls::CurrentTruth;
use bulkhead_identity::{AcceptedIssuers, Demand, Limits, TrustBundle, Truth, Verifier};
use bulkhead_mesh::{ControlRole, Timestamp};
use bulkhead_protocol::feed::FeedVerifier;
use bulkhead_protocol::feed::subscriber::Held;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// What the CA's certificates are held against. Before the first snapshot only the root is known.
#[derive(Debug)]
pub(super) struct Known(RwLock<Arc<Truth>>);

impl Known {
    pub(super) fn new() -> Self {
        Self(RwLock::new(Arc::new(truth_of(&Held::default()))))
    }

    pub(super) fn learn(&self, held: &Held) {
        // The value is replaced as a whole, so a panic elsewhere leaves nothing half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(truth_of(held));
    }
}

impl CurrentTruth for Known {
    fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn truth_of(held: &Held) -> Truth {
    let listed = held.issuers().map(|issuers| AcceptedIssuers::Listed(issuers.as_ref().clone()));
    Truth {
        levels: held.policy().map(|policy| policy.levels().clone()).unwrap_or_default(),
        issuers: listed.unwrap_or(AcceptedIssuers::AnyBelowRoot),
        cutoffs: held.cutoffs().clone(),
    }
}

/// The verifier of what is said on a stream whose welcome shows this chain.
pub(super) fn feed_key(chain: &[Vec<u8>], bundle: &TrustBundle, truth: &Truth, now: Timestamp) -> Result<FeedVerifier> {
    let chain: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(certificate.as_slice())).collect();
    let (demand, limits) = (Demand::control(ControlRole::Feed), Limits::default());
    Verifier { bundle, demand: &demand, truth, limits: &limits }.verify(&chain, now)?;
    let leaf = EndEntityCert::try_from(chain.first().context("the feed shows no certificate")?)?;
    Ok(FeedVerifier::new(&leaf.subject_public_key_info())?)
}
