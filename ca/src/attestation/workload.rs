//! A pod's own certificate: its account's name, its node, its UID as the instance, and the label that was decided for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Purpose, Serial, Timestamp};

use crate::audit::Actor;
use crate::ca::Ca;
use crate::csr::{self, RequestedKey};
use crate::denied::Denied;
use crate::dice;
use crate::draft::{Draft, WorkloadFacts};
use crate::evidence::pod_token::ProvenPod;
use crate::evidence::{EvidenceRefusal, Kubernetes, labels};
use crate::issuance::{lifetime_of, sign_and_record, workload_record};
use crate::sign::Certificate;
use crate::store::{
    Lane, NodeRecord, NodeRefusal, RegistrationRecord, RegistrationState, Snapshot, Source, StoreError, Tx,
};

/// Issues a pod's certificate, the first or the next.
pub(super) async fn issue(
    ca: &Arc<Ca>,
    kubernetes: &Arc<Kubernetes>,
    pod: ProvenPod,
    csr: Vec<u8>,
) -> Result<Certificate, Denied> {
    if !pod.has_sidecar {
        return Err(EvidenceRefusal::NoSidecar { pod: pod.name }.into());
    }
    let address = pod.address.ok_or_else(|| EvidenceRefusal::NoAddress { pod: pod.name.clone() })?;
    let id = Purpose::Workload(pod.account.clone()).id(ca.authority.trust_domain())?;
    let key = csr::read(&csr, &id)?;
    let serial = Serial::from_random(dice::random()?);
    let (office, kubernetes, clock, name) = (Arc::clone(ca), Arc::clone(kubernetes), ca.now(), pod.name.clone());
    let issued = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        refuse_haste(tx, &kubernetes, &pod, now)?;
        let record = register(tx, &office, &kubernetes, &pod, address, now)?;
        sign(tx, &office, &pod, record, key, serial, now)
    });
    let issued = issued.await?;
    // A pod that is new stands at its address from now on, and whoever asked for it is to hear so.
    ca.fanout.publish(ca).await?;
    issued.ok_or_else(|| EvidenceRefusal::JustRelabelled { pod: name }.into())
}

/// Refuses a pod that was issued as many certificates lately as one may be, so that nobody fills the disk.
fn refuse_haste(now: &Snapshot<'_>, kubernetes: &Kubernetes, pod: &ProvenPod, at: Timestamp) -> Result<(), Denied> {
    let most = kubernetes.settings.certificates_per_minute;
    let issued = now.certificates_since(pod.instance, at.minus(MINUTE))?;
    if issued < most { Ok(()) } else { Err(EvidenceRefusal::TooOften { pod: pod.name.clone(), most }.into()) }
}

const MINUTE: Duration = Duration::from_mins(1);

/// The record of the node on which a pod stands. It may be another machine that has its name by now.
pub(super) fn node_of(now: &Snapshot<'_>, pod: &ProvenPod) -> Result<NodeRecord, Denied> {
    let not_joined = || EvidenceRefusal::NotJoined { pod: pod.name.clone(), node: pod.node.clone() };
    let node = now.node(&pod.node)?.ok_or_else(not_joined)?;
    node.refuse_unless_admitted().map_err(StoreError::from)?;
    if node.cluster_uid != Some(pod.node_uid) {
        let (node, found, admitted) = (node.life.node, pod.node_uid, node.cluster_uid);
        return Err(StoreError::from(NodeRefusal::OtherUid { node, found, admitted }).into());
    }
    Ok(node)
}

/// Puts the pod on record with the label that it is to have.
fn register(
    tx: &mut Tx<'_>,
    ca: &Ca,
    kubernetes: &Kubernetes,
    pod: &ProvenPod,
    address: IpAddr,
    now: Timestamp,
) -> Result<RegistrationRecord, Denied> {
    let node = node_of(tx, pod)?;
    let label = labels::label_of(ca, kubernetes, &pod.account)?;
    lifetime_of(ca, &node, &label)?;
    let record = RegistrationRecord {
        id: pod.instance,
        source: Source::Pod,
        workload: pod.account.clone(),
        label,
        node: node.life,
        address: address.to_canonical(),
        uid: 0,
        gid: 0,
        registered_at: now,
        state: RegistrationState::Registered,
    };
    if let Some(known) = tx.put_pod(&record)?.filter(|known| known.label != record.label) {
        labels::relabel(tx, ca, &known, &record.label, now)?;
    }
    Ok(record)
}

/// Signs for the pod; nothing, if what would be signed now could not be told from what was cut off.
fn sign(
    tx: &mut Tx<'_>,
    ca: &Ca,
    pod: &ProvenPod,
    record: RegistrationRecord,
    key: RequestedKey,
    serial: Serial,
    now: Timestamp,
) -> Result<Option<Certificate>, Denied> {
    if now < tx.void_before(record.id)? {
        return Ok(None);
    }
    let lifetime = lifetime_of(ca, &tx.admitted_node(&record.node)?, &record.label)?;
    let RegistrationRecord { id: instance, workload: name, label, node, .. } = record;
    let facts = WorkloadFacts { name, label, node, instance };
    let issuing = ca.authority.issuing();
    let draft = Draft::workload(issuing.trust_domain(), facts.clone(), key, issuing.terms(serial, now, lifetime))?;
    let certificate = sign_and_record(tx, ca, draft)?;
    tx.audit(&workload_record(Actor::Pod(pod.name.clone()), now, &facts, &certificate))?;
    Ok(Some(certificate))
}
