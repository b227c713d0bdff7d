//! A database in a directory of its own, and things to put into it.

use std::net::IpAddr;
use std::path::PathBuf;

use bulkhead_ca::store::{
    Admission, CertificateRecord, Clearance, FactKind, FactRecord, Lane, Limits, NodeRecord, PortTarget, Position,
    RegistrationRecord, RegistrationState, ServiceRecord, SignedBody, Snapshot, Source, Store, StoreError, TokenHash,
    TokenRecord, Tx,
};
use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch, Reason, Serial, SpkiDigest, Timestamp};
use tempfile::TempDir;

/// An open store whose files go when it does.
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) directory: TempDir,
}

impl Scene {
    /// A new database with a history and two admitted nodes, `n1` and `n2`.
    pub(crate) async fn new() -> Self {
        let scene = Self::empty();
        scene
            .write(|tx| {
                tx.begin_incarnation(at(1))?;
                admit(tx, "n1")?;
                admit(tx, "n2")
            })
            .await
            .unwrap();
        scene
    }

    /// A new database with nothing in it.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(&directory.path().join("ca.db"), Limits::default()).unwrap();
        Self { store, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("ca.db")
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.write(Lane::Ordinary, change).await
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.read(look).await.unwrap()
    }

    /// Closes the database and opens it again.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.path(), Limits::default()).unwrap();
        Self { store, ..self }
    }
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

pub(crate) fn key(number: u8) -> SpkiDigest {
    SpkiDigest::from_bytes([number; 32])
}

pub(crate) fn serial(number: u8) -> Serial {
    Serial::from_random([number; 16])
}

pub(crate) fn instance(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; 16])
}

pub(crate) fn stolen() -> Reason {
    "stolen".parse().unwrap()
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn life(node: &str) -> NodeEpoch {
    NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::FIRST }
}

pub(crate) fn clearance(ceiling: &str) -> Clearance {
    Clearance { ceiling: ceiling.parse().unwrap(), floor: Some("internal".parse().unwrap()) }
}

pub(crate) fn admission(node: &str, with: SpkiDigest) -> Admission {
    Admission {
        node: node.parse().unwrap(),
        clearance: clearance("confidential:eu,pci"),
        is_ordered: true,
        addresses: vec![address("10.0.0.1"), address("fd00::1")],
        key: with,
        at: at(10),
        may_rekey: false,
        cluster_uid: None,
    }
}

pub(crate) fn admit(tx: &mut Tx<'_>, node: &str) -> Result<NodeRecord, StoreError> {
    tx.admit(&admission(node, key(1)))
}

pub(crate) fn token(secret: &[u8]) -> TokenRecord {
    TokenRecord {
        secret_hash: TokenHash::of(secret),
        node: "n3".parse().unwrap(),
        clearance: clearance("restricted:pci"),
        may_loosen: false,
        addresses: vec![address("10.0.0.3")],
        expires: at(100),
        used_by: None,
    }
}

pub(crate) fn registration(number: u8, workload: &str, node: &str, owns: &str) -> RegistrationRecord {
    RegistrationRecord {
        id: instance(number),
        source: Source::Operator,
        workload: workload.parse().unwrap(),
        label: "internal:pci".parse().unwrap(),
        node: life(node),
        address: address(owns),
        uid: 1000,
        gid: u32::MAX,
        registered_at: at(20),
        state: RegistrationState::Registered,
    }
}

pub(crate) fn certificate(number: u8, node: Option<&str>, of: Option<u8>) -> CertificateRecord {
    CertificateRecord {
        serial: serial(number),
        id: "spiffe://prod.example/ns/shop/sa/web".parse().unwrap(),
        node: node.map(life),
        instance: of.map(instance),
        issuer: key(9),
        key: key(number),
        issued_at: at(30 + u64::from(number)),
        not_after: at(1000 + u64::from(number)),
    }
}

pub(crate) fn service(name: &str, owns: &str, workload: &str) -> ServiceRecord {
    ServiceRecord {
        name: name.parse().unwrap(),
        address: address(owns),
        workload: workload.parse().unwrap(),
        ports: vec![PortTarget { port: 80, target: 8080 }, PortTarget { port: 443, target: 8443 }],
        created_at: at(25),
    }
}

/// Appends a fact whose body says where it stands.
pub(crate) fn append(tx: &mut Tx<'_>, kind: FactKind, bound: Option<Timestamp>) -> Result<FactRecord, StoreError> {
    tx.append_fact(kind, bound, |position| Ok(signed(position)))
}

pub(crate) fn signed(position: Position) -> SignedBody {
    SignedBody { body: position.n.to_be_bytes().to_vec(), signature: vec![0, 255] }
}
