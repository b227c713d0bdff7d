//! Certificates for this crate's unit tests: signed by nobody that matters.

use std::sync::Arc;

use bulkhead_identity::TrustBundle;
use bulkhead_identity::keys::PrivateKey;
use bulkhead_mesh::{SpiffeId, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::certified::Certified;

/// An ID of this path in `prod.example`.
pub(crate) fn id(path: &str) -> SpiffeId {
    format!("spiffe://prod.example{path}").parse().unwrap()
}

/// A bundle of one root that nobody has the key of.
pub(crate) fn bundle(name: &str) -> TrustBundle {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    TrustBundle::new("prod.example".parse().unwrap(), vec![root.der().clone()]).unwrap()
}

/// A certificate of a workload that ends at this moment.
pub(crate) fn svid_until(not_after: Timestamp) -> Arc<Certified> {
    let key = PrivateKey::generate().unwrap();
    let id = id("/ns/shop/sa/web");
    let chain = chain_for(&key, &id, Timestamp::EPOCH, not_after);
    Arc::new(Certified::fresh(key, chain, &id, not_after).unwrap())
}

/// A chain of one certificate for this key and name.
pub(crate) fn chain_for(
    key: &PrivateKey,
    id: &SpiffeId,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Vec<CertificateDer<'static>> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(id.to_string().try_into().unwrap())];
    let the_beginning = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = the_beginning + not_before.since(Timestamp::EPOCH);
    params.not_after = the_beginning + not_after.since(Timestamp::EPOCH);
    let der = PrivatePkcs8KeyDer::from(key.as_pkcs8());
    let subject = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).unwrap();
    let issuer = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    vec![params.signed_by(&subject, &issuer).unwrap().der().clone()]
}
