//! A root, its control intermediate, and the leaves that a CA would sign for itself and for the directory source.

use std::time::Duration;

use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{IssuerScope, PrivateKey, TrustBundle, oid};
use bulkhead_mesh::{Serial, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

pub const DOMAIN: &str = "test.example";

pub struct Pki {
    root: CertificateDer<'static>,
    control: (CertificateDer<'static>, CertificateParams, KeyPair),
}

impl Pki {
    /// An authority that lives for a year around `now`.
    pub fn new(now: Timestamp) -> Self {
        let (params, key) = (authority("root", BasicConstraints::Unconstrained, now), KeyPair::generate().unwrap());
        let root = params.self_signed(&key).unwrap().der().clone();
        let mut below = authority("control", BasicConstraints::Constrained(0), now);
        below.use_authority_key_identifier_extension = true;
        let scope = IssuerScope::CONTROL.encode().unwrap();
        below.custom_extensions.push(CustomExtension::from_oid_content(&oid::arcs(&oid::ISSUER_SCOPE), scope));
        let below_key = KeyPair::generate().unwrap();
        let control = below.signed_by(&below_key, &Issuer::from_params(&params, &key)).unwrap().der().clone();
        Self { root, control: (control, below, below_key) }
    }

    pub fn bundle(&self) -> TrustBundle {
        TrustBundle::new(DOMAIN.parse().unwrap(), vec![self.root.clone()]).unwrap()
    }

    /// Somebody of the authority, e.g. `/control/ca`.
    pub fn own(&self, path: &str, now: Timestamp) -> OwnIdentity {
        let key = PrivateKey::generate().unwrap();
        let der = PrivatePkcs8KeyDer::from(key.as_pkcs8());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).unwrap();
        OwnIdentity::new(self.sign(path, &pair, now, Duration::from_hours(24)), &key).unwrap()
    }

    pub fn sign(
        &self,
        path: &str,
        key: &impl PublicKeyData,
        now: Timestamp,
        life: Duration,
    ) -> Vec<CertificateDer<'static>> {
        let (certificate, params, issuer) = &self.control;
        let leaf = leaf(path, now, life).signed_by(key, &Issuer::from_params(params, issuer)).unwrap();
        vec![leaf.der().clone(), certificate.clone()]
    }
}

fn leaf(path: &str, now: Timestamp, life: Duration) -> CertificateParams {
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(Serial::from_random(serial).as_bytes()));
    params.subject_alt_names = vec![SanType::URI(format!("spiffe://{DOMAIN}{path}").try_into().unwrap())];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now.minus(Duration::from_mins(1)), now.plus(life));
    params
}

fn authority(name: &str, constraints: BasicConstraints, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{DOMAIN} {name}"));
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let half_a_year = Duration::from_hours(24 * 180);
    set_validity(&mut params, now.minus(half_a_year), now.plus(half_a_year));
    params
}

fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let the_beginning = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = the_beginning + not_before.since(Timestamp::EPOCH);
    params.not_after = the_beginning + not_after.since(Timestamp::EPOCH);
}
