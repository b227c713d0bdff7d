//! Makes a generation: a CA that signs one certificate.

use bulkhead_mesh::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use std::time::Duration;

use super::authorities;
use super::generation::Written;
use crate::injector::config::Names;

/// One that is good from now on, for so long. The CA's key signs nothing else and is written nowhere, so whoever reads the
/// Secret can pose as this server and cannot make a certificate for another.
pub(super) fn make(names: &Names, now: Timestamp, lifetime: Duration) -> Result<Written, rcgen::Error> {
    let (authority_key, key) =
        (KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
    let mut authority = good_for(now, lifetime);
    // Different for each, so that nobody takes one for its successor.
    authority.distinguished_name = named(&authorities::common_name(&authority_key));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = Issuer::from_params(&authority, &authority_key);
    let mut leaf = good_for(now, lifetime);
    leaf.subject_alt_names = names.alternatives();
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    Ok(Written {
        certificate: leaf.signed_by(&key, &issuer)?.pem(),
        authority: authority.self_signed(&authority_key)?.pem(),
        key: key.serialize_pem(),
    })
}

fn good_for(now: Timestamp, lifetime: Duration) -> CertificateParams {
    let since_1970 = |moment: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(moment.as_secs());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = since_1970(now.minus(BACKDATED));
    params.not_after = since_1970(now.plus(lifetime));
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// The API server's clock may be behind ours.
const BACKDATED: Duration = Duration::from_mins(5);
