//! A root, its two intermediates, and leaves that are valid now.

use std::time::Duration;

use bulkhead_identity::clock::{Clock, SystemClock};
use bulkhead_identity::{IssuerScope, NodeBinding, PrivateKey, TrustBundle, binding, oid};
use bulkhead_mesh::{Epoch, NodeEpoch, Serial, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

pub const DOMAIN: &str = "prod.example";

/// A chain with its leaf's key.
pub struct Shown {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKey,
}

/// A trust domain.
pub struct Mesh {
    root: CertificateDer<'static>,
    issuing: Authority,
    control: Authority,
}

struct Authority {
    certificate: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

impl Mesh {
    pub fn new() -> Self {
        let (params, key) = (authority("root", BasicConstraints::Unconstrained), KeyPair::generate().unwrap());
        let root = params.self_signed(&key).unwrap().into();
        let signer = Issuer::from_params(&params, &key);
        let issuing = Authority::new("issuing", IssuerScope::ISSUING, &signer);
        let control = Authority::new("control", IssuerScope::CONTROL, &signer);
        Self { root, issuing, control }
    }

    pub fn bundle(&self) -> TrustBundle {
        TrustBundle::new(DOMAIN.parse().unwrap(), vec![self.root.clone()]).unwrap()
    }

    pub fn ca(&self) -> Shown {
        self.control.sign(&leaf("/control/ca", in_an_hour()))
    }

    pub fn operator(&self) -> Shown {
        self.control.sign(&leaf("/operator/ada", in_an_hour()))
    }

    /// An operator whose certificate ended a second ago.
    pub fn late_operator(&self) -> Shown {
        self.control.sign(&leaf("/operator/ada", now().minus(Duration::from_secs(1))))
    }

    pub fn node(&self) -> Shown {
        let mut params = leaf("/node/n1", in_an_hour());
        let node = NodeEpoch { node: "n1".parse().unwrap(), epoch: Epoch::FIRST };
        let binding = binding::encode(&NodeBinding { node, instance: None }).unwrap();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&oid::arcs(&oid::NODE_BINDING), binding)];
        self.issuing.sign(&params)
    }
}

impl Authority {
    fn new(name: &str, scope: IssuerScope, root: &Issuer<'_, &KeyPair>) -> Self {
        let (mut params, key) = (authority(name, BasicConstraints::Constrained(0)), KeyPair::generate().unwrap());
        params.use_authority_key_identifier_extension = true;
        let scope = CustomExtension::from_oid_content(&oid::arcs(&oid::ISSUER_SCOPE), scope.encode().unwrap());
        params.custom_extensions.push(scope);
        let certificate = params.signed_by(&key, root).unwrap().into();
        Self { certificate, params, key }
    }

    fn sign(&self, leaf: &CertificateParams) -> Shown {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap().into();
        let chain = vec![certificate, self.certificate.clone()];
        Shown { chain, key: PrivateKey::from_pkcs8(key.serialize_der()).unwrap() }
    }
}

fn authority(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{DOMAIN} {name}"));
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now().minus(Duration::from_hours(2)), now().plus(Duration::from_hours(24)));
    params
}

fn leaf(path: &str, not_after: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(Serial::from_random([0xa5; 16]).as_bytes()));
    params.subject_alt_names = vec![SanType::URI(format!("spiffe://{DOMAIN}{path}").try_into().unwrap())];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now().minus(Duration::from_hours(1)), not_after);
    params
}

fn in_an_hour() -> Timestamp {
    now().plus(Duration::from_hours(1))
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + not_before.since(Timestamp::EPOCH);
    params.not_after = epoch + not_after.since(Timestamp::EPOCH);
}
