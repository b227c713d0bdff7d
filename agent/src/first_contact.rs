//! What an agent knows of the mesh when it holds somebody against the roots, and nothing but the roots.

use std::sync::Arc;

use bulkhead_identity::peer::{AcceptedIssuers, Demand, PeerError, Truth, Verifier};
use bulkhead_identity::tls::CurrentTruth;
use bulkhead_identity::{Limits, PurposeKind, TrustBundle};
use bulkhead_mesh::{CutoffSet, Levels, Timestamp};
use rustls_pki_types::CertificateDer;

/// Whether these roots vouch for a node's chain, as every peer will check it.
pub fn check_node_chain(chain: &[CertificateDer<'_>], bundle: &TrustBundle, now: Timestamp) -> Result<(), PeerError> {
    let (truth, limits) = (first_contact(), Limits::default());
    // A node that was off for long may still hold an ended certificate; here only the path to the roots is asked.
    let demand = Demand::any_of(&[PurposeKind::Node]).with_grace_for_expired_nodes(now.since(Timestamp::EPOCH));
    let verifier = Verifier { bundle, demand: &demand, truth: &truth, limits: &limits };
    verifier.verify(chain, now).map(|_| ())
}

/// What an agent holds the CA against: whichever control issuer the root has signed.
#[derive(Clone, Debug)]
pub struct FirstContact(Arc<Truth>);

impl FirstContact {
    /// No levels but the usual ones, no cutoffs.
    pub fn new() -> Self {
        Self(Arc::new(first_contact()))
    }
}

impl Default for FirstContact {
    fn default() -> Self {
        Self::new()
    }
}

impl CurrentTruth for FirstContact {
    fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.0)
    }
}

fn first_contact() -> Truth {
    Truth { levels: Levels::default(), issuers: AcceptedIssuers::AnyBelowRoot, cutoffs: CutoffSet::default() }
}
