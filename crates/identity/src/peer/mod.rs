//! The one place where a peer's certificate is believed.
//!
//! [`Verifier::verify`] is the only maker of a [`VerifiedPeer`]: whoever holds one holds a peer whose chain, issuer,
//! scope, name, purpose, label, binding and freedom from cutoffs were checked. It is pure: bytes and `now` go in.
//! That the peer also holds the key is the handshake's part, see [`crate::tls`].

mod demand;
mod error;
mod issuer;
mod truth;
mod verified;

use std::time::Duration;

use bulkhead_mesh::{Purpose, Timestamp};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::aws_lc_rs::{ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384};
use webpki::{EndEntityCert, KeyUsage};

pub use demand::Demand;
pub use error::PeerError;
pub use issuer::IssuerError;
pub use truth::{AcceptedIssuers, Truth};
pub use verified::VerifiedPeer;

use crate::certificate::{Certificate, CertificateError, Limits};
use crate::profile::{Leaf, inspect};
use crate::{PurposeKind, TrustBundle};
use issuer::Issuer;

/// Everything that a peer's chain is held against.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// The trust domain and its roots.
    pub bundle: &'a TrustBundle,
    /// What this face asks of its peers.
    pub demand: &'a Demand,
    /// What is known of the mesh at this moment.
    pub truth: &'a Truth,
    /// How much of the peer's bytes is looked at.
    pub limits: &'a Limits,
}

impl Verifier<'_> {
    /// Verifies what a peer has shown: its leaf, then the intermediates, in any order.
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<VerifiedPeer, PeerError> {
        let (leaf, intermediates) = self.bounded(chain)?;
        let at = self.check_time(&Certificate::read(leaf, self.limits)?, now)?;
        let issuer = self.path(leaf, intermediates, at)?;
        issuer.check_time(now)?;
        if !self.truth.issuers.include(&issuer.key) {
            return Err(PeerError::IssuerNotAccepted { issuer: issuer.key });
        }
        let leaf = inspect(leaf, &self.truth.levels, self.limits)?;
        self.check_name(&leaf, &issuer)?;
        let peer = VerifiedPeer::new(leaf, issuer.key, now);
        if peer.is_late() && !matches!(peer.purpose(), Purpose::Node(_)) {
            return Err(PeerError::Expired { not_after: peer.not_after(), grace: Duration::ZERO, now });
        }
        self.demand.check(&peer)?;
        match self.truth.cutoffs.voids(peer.credential()) {
            Some(cutoff) => Err(PeerError::CutOff { cutoff: Box::new(cutoff.clone()) }),
            None => Ok(peer),
        }
    }

    fn bounded<'c, 'd>(
        &self,
        chain: &'c [CertificateDer<'d>],
    ) -> Result<(&'c CertificateDer<'d>, &'c [CertificateDer<'d>]), PeerError> {
        if chain.len() > self.limits.certificates {
            return Err(PeerError::ChainTooLong { certificates: chain.len(), limit: self.limits.certificates });
        }
        let limit = self.limits.certificate_bytes;
        if let Some(large) = chain.iter().find(|certificate| certificate.len() > limit) {
            return Err(CertificateError::TooLarge { bytes: large.len(), limit }.into());
        }
        chain.split_first().ok_or(PeerError::NoCertificate)
    }

    /// Checks the leaf's validity and says at which moment its path is to be checked: now, or for a node that is
    /// allowed to be late, at its last second.
    fn check_time(&self, leaf: &Certificate<'_>, now: Timestamp) -> Result<Timestamp, PeerError> {
        let (not_before, not_after) = (leaf.not_before()?, leaf.not_after()?);
        if now < not_before {
            return Err(PeerError::NotYetValid { not_before, now });
        }
        if now <= not_after {
            return Ok(now);
        }
        let grace = self.demand.grace();
        if now > not_after.plus(grace) { Err(PeerError::Expired { not_after, grace, now }) } else { Ok(not_after) }
    }

    /// Builds the path leaf, intermediate, root, and returns the intermediate that it really uses: a key identifier
    /// in the leaf, or the order in which the peer sends, proves nothing.
    fn path(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        at: Timestamp,
    ) -> Result<Issuer, PeerError> {
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at.as_millis()));
        let refuse = |source| self.explain(leaf, source);
        let end_entity = EndEntityCert::try_from(leaf).map_err(refuse)?;
        let path = end_entity
            .verify_for_usage(
                ALGORITHMS,
                self.bundle.anchors(),
                intermediates,
                at,
                // Either will do: the profile demands both, which webpki does not.
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(refuse)?;
        let used: Vec<_> = path.intermediate_certificates().collect();
        let [issuer] = used[..] else { return Err(PeerError::PathLength { intermediates: used.len() }) };
        Ok(Issuer::read(&issuer.der(), self.limits)?)
    }

    /// Where the path failed because the leaf has a wrong form, the profile says it better than webpki.
    fn explain(&self, leaf: &CertificateDer<'_>, source: webpki::Error) -> PeerError {
        match source {
            webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
                PeerError::Untrusted { trust_domain: self.bundle.trust_domain().clone(), source }
            }
            _ => match inspect(leaf, &self.truth.levels, self.limits) {
                Err(error) => error.into(),
                Ok(_) => PeerError::Path { source },
            },
        }
    }

    fn check_name(&self, leaf: &Leaf, issuer: &Issuer) -> Result<(), PeerError> {
        let (id, expected) = (&leaf.content.id, self.bundle.trust_domain());
        if id.trust_domain() != expected {
            return Err(PeerError::TrustDomain { id: id.clone(), expected: expected.clone() });
        }
        if !issuer.scope.includes(PurposeKind::of(&leaf.purpose)) {
            return Err(PeerError::OutOfScope { id: id.clone(), issuer: issuer.key, scope: issuer.scope });
        }
        Ok(())
    }
}

/// ECDSA on P-256 and P-384: roots and intermediates may be stronger than leaves.
pub(crate) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] =
    &[ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384];
