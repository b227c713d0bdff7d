//! An authority in a temporary directory, and the requests of those who want its certificates.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_ca::authority::{Authority, Terms};
use bulkhead_ca::csr::{self, RequestedKey};
use bulkhead_ca::draft::{Draft, WorkloadFacts};
use bulkhead_ca::init::{self, Founded, InitError, OPERATOR_LIFETIME, Plan, RootPlan};
use bulkhead_ca::lint::lint;
use bulkhead_ca::seal::Unsealer;
use bulkhead_ca::sign::{Certificate, sign};
use bulkhead_mesh::{Epoch, InstanceId, Levels, NodeEpoch, Serial, Timestamp, TrustDomain};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);

/// A directory in which an authority was founded.
pub(super) struct Site {
    pub(super) parent: TempDir,
    pub(super) founded: Founded,
}

impl Site {
    pub(super) fn new() -> Self {
        Self::found(plan)
    }

    pub(super) fn found(plan: impl FnOnce(PathBuf) -> Plan) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let founded = block_on(init::run(&plan(parent.path().join("ca")), NOW)).unwrap();
        Self { parent, founded }
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.parent.path().join("ca")
    }

    pub(super) fn again(&self) -> Result<Founded, InitError> {
        block_on(init::run(&plan(self.directory()), NOW))
    }

    pub(super) fn authority(&self) -> Authority {
        Authority::load(&self.directory(), &unsealer()).unwrap()
    }
}

pub(super) fn plan(directory: PathBuf) -> Plan {
    Plan {
        trust_domain: domain(),
        directory,
        unsealer: unsealer(),
        root: RootPlan::New { directory: None },
        root_unsealer: None,
        policy: None,
        operator: "ada".parse().unwrap(),
        operator_file: None,
        operator_lifetime: OPERATOR_LIFETIME,
        responder: None,
    }
}

pub(super) fn unsealer() -> Unsealer {
    Unsealer::from_key([7; 32])
}

pub(super) fn domain() -> TrustDomain {
    "prod.example".parse().unwrap()
}

pub(super) fn life(node: &str) -> NodeEpoch {
    NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::FIRST }
}

/// The key of a workload that asks as `web` does.
pub(super) fn requested(key: &KeyPair) -> RequestedKey {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    csr::read(request.der(), &"spiffe://prod.example/ns/shop/sa/web".parse().unwrap()).unwrap()
}

pub(super) fn terms(authority: &Authority, serial: u8) -> Terms {
    authority.issuing().terms(Serial::from_random([serial; 16]), NOW, Duration::from_hours(12))
}

pub(super) fn workload(authority: &Authority, key: &KeyPair, serial: u8) -> Certificate {
    let facts = WorkloadFacts {
        name: "ns/shop/sa/web".parse().unwrap(),
        label: "restricted:eu,pci".parse().unwrap(),
        node: life("n1"),
        instance: InstanceId::from_bytes([7; 16]),
    };
    let draft = Draft::workload(&domain(), facts, requested(key), terms(authority, serial)).unwrap();
    sign(lint(draft, authority.issuing(), &Levels::default()).unwrap(), authority.issuing()).unwrap()
}

pub(super) fn node(authority: &Authority) -> Certificate {
    let key = requested(&KeyPair::generate().unwrap());
    let draft = Draft::node(&domain(), life("n1"), key, terms(authority, 3)).unwrap();
    sign(lint(draft, authority.issuing(), &Levels::default()).unwrap(), authority.issuing()).unwrap()
}

/// Runs what founds an authority to its end.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
