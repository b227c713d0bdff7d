//! A small mesh of certificates: a root, its two intermediates, and leaves of every purpose.

use std::time::Duration;

use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{IssuerScope, LeafContent, NodeBinding, PrivateKey, TrustBundle, binding, clearance, oid};
use bulkhead_mesh::{Epoch, InstanceId, Label, Levels, NodeEpoch, Serial, SpiffeId, SpkiDigest, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

/// The moment at which these tests begin.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);
/// How long a leaf lives where a test says nothing else.
pub(crate) const LIFETIME: Duration = Duration::from_hours(12);

/// A root and its two intermediates.
pub(crate) struct Mesh {
    pub(crate) root: Authority,
    pub(crate) issuing: Authority,
    pub(crate) control: Authority,
}

/// An authority with its key.
pub(crate) struct Authority {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    params: CertificateParams,
}

/// A chain with the leaf's key, as its holder has it.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) pkcs8: Vec<u8>,
}

impl Mesh {
    pub(crate) fn new() -> Self {
        let (params, key) = (authority("root", None), KeyPair::generate().unwrap());
        let root = Authority { certificate: params.self_signed(&key).unwrap().into(), key, params };
        let issuing = root.intermediate("issuing", IssuerScope::ISSUING);
        let control = root.intermediate("control", IssuerScope::CONTROL);
        Self { root, issuing, control }
    }

    pub(crate) fn bundle(&self) -> TrustBundle {
        TrustBundle::new("prod.example".parse().unwrap(), vec![self.root.certificate.clone()]).unwrap()
    }

    /// A workload such as `web` or `db`, on this node in its first life, with this label.
    pub(crate) fn workload(&self, name: &str, node: &str, label: &str) -> Shown {
        self.workload_until(name, node, label, NOW.plus(LIFETIME))
    }

    pub(crate) fn workload_until(&self, name: &str, node: &str, label: &str, not_after: Timestamp) -> Shown {
        let label = clearance::encode(&label.parse::<Label>().unwrap(), &Levels::default()).unwrap();
        self.workload_with(name, node, label, not_after)
    }

    /// A workload whose certificate has this clearance, in DER.
    pub(crate) fn workload_with(&self, name: &str, node: &str, clearance: Vec<u8>, not_after: Timestamp) -> Shown {
        self.issuing.leaf(&workload_content(name, node), Some(clearance), not_after)
    }

    /// The chain of a workload for a key of its own.
    pub(crate) fn certify_workload(
        &self,
        key: &impl PublicKeyData,
        name: &str,
        node: &str,
        not_after: Timestamp,
    ) -> Vec<CertificateDer<'static>> {
        let label = clearance::encode(&"internal".parse::<Label>().unwrap(), &Levels::default()).unwrap();
        self.issuing.certify(key, &workload_content(name, node), Some(label), not_after)
    }

    /// The chain of a node for a key of its own.
    pub(crate) fn certify_node(&self, key: &impl PublicKeyData, name: &str) -> Vec<CertificateDer<'static>> {
        self.issuing.certify(key, &node_content(name), None, NOW.plus(LIFETIME))
    }

    pub(crate) fn node(&self, name: &str) -> Shown {
        self.issuing.leaf(&node_content(name), None, NOW.plus(LIFETIME))
    }

    /// An authority's leaf such as `ca` or `feed`.
    pub(crate) fn control(&self, role: &str) -> Shown {
        self.control_until(role, NOW.plus(LIFETIME))
    }

    pub(crate) fn control_until(&self, role: &str, not_after: Timestamp) -> Shown {
        let content = LeafContent { id: id(&format!("/control/{role}")), label: None, node: None, instance: None };
        self.control.leaf(&content, None, not_after)
    }
}

impl Shown {
    pub(crate) fn identity(&self) -> OwnIdentity {
        OwnIdentity::new(self.chain.clone(), &PrivateKey::from_pkcs8(self.pkcs8.clone()).unwrap()).unwrap()
    }

    pub(crate) fn chain_der(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|certificate| certificate.to_vec()).collect()
    }
}

impl Authority {
    pub(crate) fn digest(&self) -> SpkiDigest {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.key.subject_public_key_info());
        SpkiDigest::from_bytes(digest.as_ref().try_into().unwrap())
    }

    fn intermediate(&self, name: &str, scope: IssuerScope) -> Self {
        let mut params = authority(name, Some(0));
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions.push(extension(&oid::arcs(&oid::ISSUER_SCOPE), scope.encode().unwrap()));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer()).unwrap().into();
        Self { certificate, key, params }
    }

    fn leaf(&self, content: &LeafContent, clearance: Option<Vec<u8>>, not_after: Timestamp) -> Shown {
        let key = KeyPair::generate().unwrap();
        Shown { chain: self.certify(&key, content, clearance, not_after), pkcs8: key.serialize_der() }
    }

    fn certify(
        &self,
        key: &impl PublicKeyData,
        content: &LeafContent,
        clearance: Option<Vec<u8>>,
        not_after: Timestamp,
    ) -> Vec<CertificateDer<'static>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from_slice(Serial::from_random([0xa5; 16]).as_bytes()));
        params.subject_alt_names = vec![SanType::URI(content.id.to_string().try_into().unwrap())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = own_extensions(content, clearance);
        set_validity(&mut params, NOW.minus(BACKDATED), not_after);
        vec![params.signed_by(key, &self.issuer()).unwrap().into(), self.certificate.clone()]
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

pub(crate) fn id(path: &str) -> SpiffeId {
    format!("spiffe://prod.example{path}").parse().unwrap()
}

fn workload_content(name: &str, node: &str) -> LeafContent {
    LeafContent {
        id: id(&format!("/ns/shop/sa/{name}")),
        label: None,
        node: Some(NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::FIRST }),
        instance: Some(InstanceId::from_bytes([name.len().try_into().unwrap(); 16])),
    }
}

fn node_content(name: &str) -> LeafContent {
    let node = Some(NodeEpoch { node: name.parse().unwrap(), epoch: Epoch::FIRST });
    LeafContent { id: id(&format!("/node/{name}")), label: None, node, instance: None }
}

fn own_extensions(content: &LeafContent, clearance: Option<Vec<u8>>) -> Vec<CustomExtension> {
    let binding = content.node.clone().map(|node| NodeBinding { node, instance: content.instance });
    let binding = binding.map(|binding| extension(&oid::arcs(&oid::NODE_BINDING), binding::encode(&binding).unwrap()));
    let label = clearance.map(|value| extension(&oid::arcs(&oid::SUBJECT_DIRECTORY_ATTRIBUTES), value));
    label.into_iter().chain(binding).collect()
}

fn extension(arcs: &[u64], value: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(arcs, value)
}

fn authority(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, NOW.minus(Duration::from_hours(24)), NOW.plus(Duration::from_hours(24 * 365)));
    params
}

fn set_validity(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + not_before.since(Timestamp::EPOCH);
    params.not_after = epoch + not_after.since(Timestamp::EPOCH);
}
