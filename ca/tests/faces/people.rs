//! Who calls the CA: keys, requests, certificates by right and certificates by another hand.

use std::time::Duration;

use bulkhead_ca::csr;
use bulkhead_ca::draft::{Draft, WorkloadFacts};
use bulkhead_ca::lint::lint;
use bulkhead_ca::sign::{Certificate, sign};
use bulkhead_ca::store::{CertificateRecord, Lane, OperatorRecord, Role};
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_identity::{Leaf, Limits, profile};
use bulkhead_mesh::{InstanceId, Levels, NodeEpoch, Serial};
use bulkhead_protocol::v1::CertificateReply;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;

use crate::clock::NOW;
use crate::world::World;

/// Somebody with a key, who wants a certificate for it.
pub(crate) struct Applicant(KeyPair);

/// Somebody with a key and a chain for it.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: PrivateKey,
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

impl Applicant {
    pub(crate) fn new() -> Self {
        Self(KeyPair::generate().unwrap())
    }

    /// Whoever holds this identity's key.
    pub(crate) fn again(identity: &Identity) -> Self {
        Self(KeyPair::try_from(identity.key.as_pkcs8()).unwrap())
    }

    pub(crate) fn csr(&self) -> Vec<u8> {
        self.csr_with(|_| ())
    }

    pub(crate) fn csr_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut asked = CertificateParams::default();
        change(&mut asked);
        asked.serialize_request(&self.0).unwrap().der().to_vec()
    }

    /// Takes what the CA has answered.
    pub(crate) fn with(&self, reply: &CertificateReply) -> Identity {
        Identity { key: self.key(), chain: reply.chain.iter().cloned().map(CertificateDer::from).collect() }
    }

    fn signed(&self, certificate: &Certificate) -> Identity {
        Identity { key: self.key(), chain: certificate.chain() }
    }

    fn key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8(self.0.serialize_der()).unwrap()
    }
}

impl Identity {
    pub(crate) fn own(&self) -> OwnIdentity {
        OwnIdentity::new(self.chain.clone(), &self.key).unwrap()
    }

    pub(crate) fn leaf(&self) -> Leaf {
        profile::inspect(&self.chain[0], &Levels::default(), &Limits::default()).unwrap()
    }

    pub(crate) fn serial(&self) -> Serial {
        self.leaf().serial
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.leaf().content.instance.unwrap()
    }
}

impl World {
    /// Adds an operator of this role and issues the certificate, as no call does yet.
    pub(crate) async fn add_operator(&self, name: &'static str, role: Role) -> Identity {
        let identity = self.operator_certificate(name);
        let (certificate, identity) = identity;
        let written = self.ca().store.write(Lane::Ordinary, move |tx| {
            tx.insert_operator(&OperatorRecord { name: name.parse().unwrap(), role, added_at: NOW })?;
            tx.record_certificate(&CertificateRecord::of(&certificate))
        });
        written.await.unwrap();
        identity
    }

    /// A certificate for an operator, signed by the CA's own key, on no record.
    pub(crate) fn operator_certificate(&self, name: &str) -> (Certificate, Identity) {
        let (applicant, control) = (Applicant::new(), self.ca().authority.control());
        let key = csr::read(&applicant.csr(), &self.id(&format!("operator/{name}"))).unwrap();
        let terms = control.terms(fresh_serial(), self.now(), DAY);
        let draft = Draft::operator(control.trust_domain(), name.parse().unwrap(), key, terms).unwrap();
        let certificate = sign(lint(draft, control, &Levels::default()).unwrap(), control).unwrap();
        let identity = applicant.signed(&certificate);
        (certificate, identity)
    }

    /// A node's certificate, signed by the CA's own key, on no record.
    pub(crate) fn node_off_record(&self, life: NodeEpoch) -> Identity {
        let (applicant, issuing) = (Applicant::new(), self.ca().authority.issuing());
        let key = csr::read(&applicant.csr(), &self.id(&format!("node/{}", life.node))).unwrap();
        let draft = Draft::node(issuing.trust_domain(), life, key, issuing.terms(fresh_serial(), self.now(), DAY));
        applicant.signed(&sign(lint(draft.unwrap(), issuing, &Levels::default()).unwrap(), issuing).unwrap())
    }

    /// A workload's certificate, signed by the CA's own key, on no record.
    pub(crate) fn workload_off_record(&self, facts: WorkloadFacts) -> Identity {
        let (applicant, issuing) = (Applicant::new(), self.ca().authority.issuing());
        let key = csr::read(&applicant.csr(), &self.id(&facts.name.to_string())).unwrap();
        let draft = Draft::workload(issuing.trust_domain(), facts, key, issuing.terms(fresh_serial(), self.now(), DAY));
        applicant.signed(&sign(lint(draft.unwrap(), issuing, &Levels::default()).unwrap(), issuing).unwrap())
    }

    /// The number and hash of the newest audit record.
    pub(crate) async fn audit_head(&self) -> bulkhead_ca::audit::AuditHead {
        self.ca().store.read(|now| now.audit_head()).await.unwrap()
    }

    fn id(&self, path: &str) -> bulkhead_mesh::SpiffeId {
        format!("spiffe://{}/{path}", self.ca().authority.trust_domain()).parse().unwrap()
    }
}

fn fresh_serial() -> Serial {
    Serial::from_random(bulkhead_ca::dice::random().unwrap())
}

const DAY: Duration = Duration::from_hours(24);
