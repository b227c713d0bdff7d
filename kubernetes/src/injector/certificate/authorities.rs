//! The CAs of our making in a bundle, which is PEM.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bulkhead_mesh::Timestamp;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::rotation::AuthorityId;

/// A CA's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) not_after: Timestamp,
}

/// CAs by what names them, so that their order in a bundle is always the same.
pub(super) type Authorities = BTreeMap<AuthorityId, Authority>;

/// Those of our making. Anything else in the bundle is passed over, and goes when the bundle is written the next time.
pub(super) fn read(bundle: &[u8]) -> Authorities {
    let certificates = CertificateDer::pem_slice_iter(bundle).take(MOST).filter_map(Result::ok);
    let ours = certificates.filter_map(|certificate| {
        let read = X509Certificate::from_der(&certificate).ok().map(|(_, read)| read)?;
        let named = read.subject().iter_common_name().next()?.as_str().ok()?;
        let not_after = end_of(&read);
        named.starts_with(COMMON_NAME).then(|| (id(&certificate), Authority { certificate, not_after }))
    });
    ours.collect()
}

/// What names this certificate.
pub(super) fn id(certificate: &CertificateDer<'_>) -> AuthorityId {
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, certificate).as_ref());
    AuthorityId(name)
}

/// The moment from which on it is not good any more.
pub(super) fn end_of(certificate: &X509Certificate<'_>) -> Timestamp {
    let end = certificate.validity().not_after.timestamp();
    Timestamp::from_secs(u64::try_from(end).unwrap_or_default())
}

/// The name of the CA with this key.
pub(super) fn common_name(key: &KeyPair) -> String {
    let digest = digest(&SHA256, key.der_bytes());
    let mut short = [0; 8];
    short.copy_from_slice(&digest.as_ref()[..8]);
    format!("{COMMON_NAME}{:016x}", u64::from_be_bytes(short))
}

/// How the names of all our CAs begin.
const COMMON_NAME: &str = "bulkhead-injector ";
/// More in one bundle are not ours.
const MOST: usize = 64;
