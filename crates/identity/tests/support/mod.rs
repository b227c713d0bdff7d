//! A small mesh of certificates: a root, its two intermediates, and leaves of every purpose, right and wrong.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and stops at what fails"
)]

pub mod wire;

use std::time::Duration;

use bulkhead_identity::peer::AcceptedIssuers;
use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::{IssuerScope, LeafContent, NodeBinding, TrustBundle, Truth, binding, clearance, oid};
use bulkhead_mesh::{CutoffSet, Epoch, InstanceId, Level, Levels, NodeEpoch, Serial, SpkiDigest, Timestamp};
use der::asn1::ObjectIdentifier;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

/// The moment at which these tests take place.
pub const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);
/// The trust domain of these tests.
pub const DOMAIN: &str = "prod.example";

/// A certificate with its key.
pub struct Held {
    pub certificate: CertificateDer<'static>,
    pub key: KeyPair,
    params: CertificateParams,
}

/// A chain with the leaf's key, as a peer holds it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub chain: Vec<CertificateDer<'static>>,
    pub pkcs8: Vec<u8>,
}

impl Shown {
    /// The same leaf, shown with these intermediates.
    pub fn above(mut self, intermediates: &[&CertificateDer<'static>]) -> Self {
        self.chain.truncate(1);
        self.chain.extend(intermediates.iter().map(|&certificate| certificate.clone()));
        self
    }
}

/// A root and its two intermediates.
pub struct Mesh {
    pub root: Held,
    pub issuing: Held,
    pub control: Held,
}

impl Mesh {
    pub fn new() -> Self {
        let root = Held::root("root");
        let issuing = root.intermediate("issuing", Some(IssuerScope::ISSUING));
        let control = root.intermediate("control", Some(IssuerScope::CONTROL));
        Self { root, issuing, control }
    }

    pub fn bundle(&self) -> TrustBundle {
        TrustBundle::new(DOMAIN.parse().unwrap(), vec![self.root.certificate.clone()]).unwrap()
    }

    pub fn truth(&self) -> Truth {
        let issuers = AcceptedIssuers::from_iter([self.issuing.digest(), self.control.digest()]);
        Truth { levels: Levels::default(), issuers, cutoffs: CutoffSet::default() }
    }

    /// `ns/shop/sa/web`, internal, on n1 in its second life.
    pub fn web(&self) -> Shown {
        self.issuing.sign(&Leaf::workload("ns/shop/sa/web", "n1", 2, 7, "internal:eu"))
    }

    pub fn node(&self) -> Shown {
        self.issuing.sign(&Leaf::node("n1", 2))
    }

    pub fn ca(&self) -> Shown {
        self.control.sign(&Leaf::plain("/control/ca"))
    }
}

impl Held {
    pub fn root(name: &str) -> Self {
        let params = authority(name, None);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().into();
        Self { certificate, key, params }
    }

    pub fn intermediate(&self, name: &str, scope: Option<IssuerScope>) -> Self {
        let mut params = authority(name, Some(0));
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions.extend(scope.map(|scope| extension(oid::ISSUER_SCOPE, scope.encode().unwrap())));
        self.authority(params)
    }

    /// Signs an intermediate with these parameters.
    pub fn authority(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer()).unwrap().into();
        Self { certificate, key, params }
    }

    /// Signs a leaf; the chain shown is the leaf and this intermediate.
    pub fn sign(&self, leaf: &Leaf) -> Shown {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.params.signed_by(&key, &self.issuer()).unwrap().into();
        Shown { chain: vec![certificate, self.certificate.clone()], pkcs8: key.serialize_der() }
    }

    pub fn params(&self) -> CertificateParams {
        self.params.clone()
    }

    pub fn digest(&self) -> SpkiDigest {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.key.subject_public_key_info());
        SpkiDigest::from_bytes(digest.as_ref().try_into().unwrap())
    }

    pub fn key_identifier(&self) -> Vec<u8> {
        self.params.key_identifier(&self.key)
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A leaf before it is signed.
#[derive(Clone)]
pub struct Leaf {
    pub params: CertificateParams,
}

impl Leaf {
    pub fn workload(name: &str, node: &str, epoch: u32, instance: u8, label: &str) -> Self {
        Self::of(&LeafContent {
            id: format!("spiffe://{DOMAIN}/{name}").parse().unwrap(),
            label: Some(label.parse().unwrap()),
            node: Some(life(node, epoch)),
            instance: Some(InstanceId::from_bytes([instance; 16])),
        })
    }

    pub fn web() -> Self {
        Self::workload("ns/shop/sa/web", "n1", 2, 7, "internal:eu")
    }

    pub fn node(name: &str, epoch: u32) -> Self {
        let id = format!("spiffe://{DOMAIN}/node/{name}").parse().unwrap();
        Self::of(&LeafContent { id, label: None, node: Some(life(name, epoch)), instance: None })
    }

    pub fn plain(path: &str) -> Self {
        let id = format!("spiffe://{DOMAIN}{path}").parse().unwrap();
        Self::of(&LeafContent { id, label: None, node: None, instance: None })
    }

    /// The leaf that says this, issued now, for twelve hours.
    pub fn of(content: &LeafContent) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from_slice(Serial::from_random([0xa5; 16]).as_bytes()));
        params.subject_alt_names = vec![uri(&content.id.to_string())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = own_extensions(content);
        Self { params }.valid(NOW.minus(BACKDATED), NOW.plus(Duration::from_hours(12)))
    }

    pub fn valid(mut self, not_before: Timestamp, not_after: Timestamp) -> Self {
        set_validity(&mut self.params, not_before, not_after);
        self
    }

    /// The same leaf, changed.
    pub fn but(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    /// The same leaf with one more extension.
    pub fn with(self, extension: CustomExtension) -> Self {
        self.but(|params| params.custom_extensions.push(extension))
    }
}

/// Levels of a mesh that has one more than the default.
pub fn levels_with(name: &str, number: u8) -> Levels {
    let mut levels: Vec<Level> = Levels::default().into();
    levels.push(Level { name: name.parse().unwrap(), number });
    Levels::new(levels).unwrap()
}

pub fn instance(byte: u8) -> InstanceId {
    InstanceId::from_bytes([byte; 16])
}

pub fn life(node: &str, epoch: u32) -> NodeEpoch {
    NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) }
}

pub fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub fn extension(id: ObjectIdentifier, value: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(&oid::arcs(&id), value)
}

pub fn critical(id: ObjectIdentifier, value: Vec<u8>) -> CustomExtension {
    let mut extension = extension(id, value);
    extension.set_criticality(true);
    extension
}

pub fn own_extensions(content: &LeafContent) -> Vec<CustomExtension> {
    let levels = levels_with("cosmic", 63);
    let label = content.label.as_ref().map(|label| clearance::encode(label, &levels).unwrap());
    let node = content.node.clone().map(|node| NodeBinding { node, instance: content.instance });
    let binding = node.map(|node| binding::encode(&node).unwrap());
    let label = label.map(|value| extension(oid::SUBJECT_DIRECTORY_ATTRIBUTES, value));
    label.into_iter().chain(binding.map(|value| extension(oid::NODE_BINDING, value))).collect()
}

pub fn authority(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{DOMAIN} {name}"));
    params.is_ca = IsCa::Ca(path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, NOW.minus(Duration::from_hours(24)), NOW.plus(Duration::from_hours(24 * 365)));
    params
}

pub fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + not_before.since(Timestamp::EPOCH);
    params.not_after = epoch + not_after.since(Timestamp::EPOCH);
}
