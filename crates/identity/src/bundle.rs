//! The trust bundle: the trust domain, and the roots that vouch for it.

use bulkhead_mesh::TrustDomain;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::certificate::{Certificate, CertificateError, Limits};
use crate::{oid, pem};

/// A trust domain and its roots, at least one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustBundle {
    trust_domain: TrustDomain,
    roots: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl TrustBundle {
    /// The bundle of these roots, each a CA certificate.
    pub fn new(trust_domain: TrustDomain, roots: Vec<CertificateDer<'static>>) -> Result<Self, BundleError> {
        if roots.is_empty() {
            return Err(BundleError::NoRoot);
        }
        let anchors = (1..).zip(&roots).map(|(position, root)| anchor(position, root)).collect::<Result<_, _>>()?;
        Ok(Self { trust_domain, roots, anchors })
    }

    /// The bundle of the certificates in a PEM text; sections of other kinds are skipped.
    pub fn from_pem(trust_domain: TrustDomain, text: &str) -> Result<Self, BundleError> {
        let roots = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>();
        Self::new(trust_domain, roots.map_err(BundleError::Pem)?)
    }

    /// The roots as PEM.
    pub fn to_pem(&self) -> String {
        pem::certificates(&self.roots)
    }

    /// The trust domain that the roots vouch for.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The roots.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }
}

/// Why certificates are not a trust bundle.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum BundleError {
    #[error("the trust bundle holds no certificate")]
    NoRoot,
    #[error("the trust bundle is not PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    #[error("certificate {position} of the trust bundle cannot be read")]
    Certificate { position: usize, source: CertificateError },
    #[error("certificate {position} of the trust bundle is not that of a CA (RFC 5280, section 4.2.1.9)")]
    NotAuthority { position: usize },
    #[error("certificate {position} of the trust bundle cannot be a trust anchor")]
    Anchor { position: usize, source: webpki::Error },
}

impl BundleError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        "a trust bundle is a PEM file of one or more root certificates, and nothing but roots"
    }
}

fn anchor(position: usize, root: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, BundleError> {
    let certificate =
        Certificate::read(root, &Limits::default()).map_err(|source| BundleError::Certificate { position, source })?;
    match certificate.extension(oid::BASIC_CONSTRAINTS) {
        Some([0x30, _, 0x01, 0x01, 0xff, ..]) => {}
        _ => return Err(BundleError::NotAuthority { position }),
    }
    let anchor = webpki::anchor_from_trusted_cert(root).map_err(|source| BundleError::Anchor { position, source })?;
    Ok(anchor.to_owned())
}
