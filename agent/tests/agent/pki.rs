//! A root, its two intermediates, and the leaves that a CA would sign.

use std::time::Duration;

use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{IssuerScope, NodeBinding, PrivateKey, TrustBundle, binding, clearance, oid};
use bulkhead_mesh::{Epoch, Label, Levels, NodeEpoch, Serial, SpiffeId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

pub const DOMAIN: &str = "prod.example";

pub struct Pki {
    root: Authority,
    issuing: Authority,
    control: Authority,
}

struct Authority {
    certificate: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

impl Pki {
    /// An authority that lives for a year around `now`.
    pub fn new(now: Timestamp) -> Self {
        let root = Authority::root(now);
        let issuing = root.intermediate("issuing", IssuerScope::ISSUING, now);
        let control = root.intermediate("control", IssuerScope::CONTROL, now);
        Self { root, issuing, control }
    }

    pub fn bundle(&self) -> TrustBundle {
        TrustBundle::new(DOMAIN.parse().unwrap(), self.roots()).unwrap()
    }

    pub fn roots(&self) -> Vec<CertificateDer<'static>> {
        vec![self.root.certificate.clone()]
    }

    /// What the CA shows of itself.
    pub fn ca(&self, now: Timestamp) -> OwnIdentity {
        let (id, key) = (id("/control/ca"), PrivateKey::generate().unwrap());
        let chain = self.control.sign(&leaf(&id, now, Duration::from_hours(24 * 30)), &key_pair(&key));
        OwnIdentity::new(chain, &key).unwrap()
    }

    /// What a node shows of itself.
    pub fn node(&self, name: &str, now: Timestamp) -> OwnIdentity {
        let key = PrivateKey::generate().unwrap();
        let chain = self.sign_node(name, &key_pair(&key), now, Duration::from_hours(24 * 7));
        OwnIdentity::new(chain, &key).unwrap()
    }

    pub fn sign_node(
        &self,
        name: &str,
        key: &impl PublicKeyData,
        now: Timestamp,
        life: Duration,
    ) -> Vec<CertificateDer<'static>> {
        let mut params = leaf(&id(&format!("/node/{name}")), now, life);
        params.custom_extensions.push(bound(name, None));
        self.issuing.sign(&params, key)
    }

    pub fn sign_workload(
        &self,
        registration: &bulkhead_protocol::convert::Registration,
        key: &impl PublicKeyData,
        now: Timestamp,
        life: Duration,
    ) -> Vec<CertificateDer<'static>> {
        let mut params = leaf(&id(&format!("/{}", registration.workload)), now, life);
        params.custom_extensions.push(labelled(&registration.label));
        params.custom_extensions.push(bound(registration.node.as_str(), Some(registration.id)));
        self.issuing.sign(&params, key)
    }
}

impl Authority {
    fn root(now: Timestamp) -> Self {
        let (params, key) = (authority("root", BasicConstraints::Unconstrained, now), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, params, key }
    }

    fn intermediate(&self, name: &str, scope: IssuerScope, now: Timestamp) -> Self {
        let mut params = authority(name, BasicConstraints::Constrained(0), now);
        params.use_authority_key_identifier_extension = true;
        let scope = CustomExtension::from_oid_content(&oid::arcs(&oid::ISSUER_SCOPE), scope.encode().unwrap());
        params.custom_extensions.push(scope);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer()).unwrap().der().clone();
        Self { certificate, params, key }
    }

    fn sign(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Vec<CertificateDer<'static>> {
        vec![params.signed_by(key, &self.issuer()).unwrap().der().clone(), self.certificate.clone()]
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

pub fn id(path: &str) -> SpiffeId {
    format!("spiffe://{DOMAIN}{path}").parse().unwrap()
}

fn key_pair(key: &PrivateKey) -> KeyPair {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key.as_pkcs8()), &PKCS_ECDSA_P256_SHA256).unwrap()
}

fn leaf(id: &SpiffeId, now: Timestamp, life: Duration) -> CertificateParams {
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(Serial::from_random(serial).as_bytes()));
    params.subject_alt_names = vec![SanType::URI(id.to_string().try_into().unwrap())];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now.minus(BACKDATED), now.plus(life));
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

fn bound(node: &str, instance: Option<bulkhead_mesh::InstanceId>) -> CustomExtension {
    let node = NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::FIRST };
    let value = binding::encode(&NodeBinding { node, instance }).unwrap();
    CustomExtension::from_oid_content(&oid::arcs(&oid::NODE_BINDING), value)
}

fn labelled(label: &Label) -> CustomExtension {
    let value = clearance::encode(label, &Levels::default()).unwrap();
    CustomExtension::from_oid_content(&oid::arcs(&oid::SUBJECT_DIRECTORY_ATTRIBUTES), value)
}

fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let the_beginning = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = the_beginning + not_before.since(Timestamp::EPOCH);
    params.not_after = the_beginning + not_after.since(Timestamp::EPOCH);
}
