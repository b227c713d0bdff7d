//! A node of a cluster joins: its agent's pod proves that it stands there, and the rule of admission says whether it may.

use std::sync::Arc;

use bulkhead_cluster::clearance;
use bulkhead_mesh::{Label, Purpose, Serial, Timestamp};

use crate::admission::check_within;
use crate::audit::{Action, Actor, AuditRecord};
use crate::ca::Ca;
use crate::csr::{self, RequestedKey};
use crate::denied::Denied;
use crate::dice;
use crate::evidence::pod_token::{ProvenPod, node_of};
use crate::evidence::{EvidenceRefusal, Kubernetes, NodeAdmission};
use crate::issuance::{node_record, sign_node};
use crate::sign::Certificate;
use crate::store::{Admission, Clearance, Lane, NodeRecord, NodeRefusal, StoreError, Tx};

/// Issues the certificate of the node on which the pod stands.
pub(super) async fn join(
    ca: &Arc<Ca>,
    kubernetes: &Arc<Kubernetes>,
    pod: ProvenPod,
    csr: Vec<u8>,
) -> Result<Certificate, Denied> {
    let found = node_of(kubernetes, &pod).await?;
    let said = clearance::of_node(&found.labels).map_err(EvidenceRefusal::from)?;
    if let Some(unknown) = said.as_ref().filter(|said| ca.known.policy().levels().named(&said.level).is_none()) {
        return Err(Denied::UnknownLevel { level: unknown.level.clone() });
    }
    let key = csr::read(&csr, &Purpose::Node(pod.node.clone()).id(ca.authority.trust_domain())?)?;
    let (office, clock, serial) = (Arc::clone(ca), ca.now(), Serial::from_random(dice::random()?));
    let rule = kubernetes.settings.node_admission.clone();
    let joined = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        let before = tx.node(&pod.node)?.and_then(|node| node.cluster_uid).filter(|uid| *uid != pod.node_uid);
        let node = admit(tx, &office, &pod, &rule, said, &key, now)?;
        let certificate = sign_node(tx, &office, &node.life, key, serial, now)?;
        let record = node_record(Actor::Pod(pod.name), Action::AdmitNode, &node.life, &certificate, now);
        let replaced = before.map(|uid| format!(" in place of {uid}")).unwrap_or_default();
        let detail = format!("{}, clearance `{}`, UID {}{replaced}", record.detail, node.clearance, pod.node_uid);
        tx.audit(&AuditRecord { detail, ..record })?;
        Ok::<_, Denied>(certificate)
    });
    joined.await
}

fn admit(
    tx: &mut Tx<'_>,
    ca: &Ca,
    pod: &ProvenPod,
    rule: &NodeAdmission,
    said: Option<Label>,
    key: &RequestedKey,
    now: Timestamp,
) -> Result<NodeRecord, StoreError> {
    let (name, uid) = (&pod.node, pod.node_uid);
    let known = tx.node(name)?;
    if let Some(known) = &known {
        known.refuse_unless_admitted()?;
    }
    if let Some(revoked) = tx.revoked_node_with_uid(uid)? {
        return Err(NodeRefusal::RevokedUid { uid, life: revoked.life }.into());
    }
    let ordered = tx.take_node_order(name, now)?;
    if let Some(order) = ordered.as_ref().filter(|order| !order.may_loosen) {
        check_within(tx, ca, name, &order.clearance)?;
    }
    let ordered = ordered.map(|order| order.clearance);
    let is_ordered = ordered.is_some() || known.as_ref().is_some_and(|known| known.is_ordered);
    let clearance = clearance_of(known.as_ref(), ordered, rule, said, pod)?;
    let (node, addresses, key, cluster_uid) = (name.clone(), Vec::new(), key.digest(), Some(uid));
    tx.admit(&Admission { node, clearance, is_ordered, addresses, key, at: now, may_rekey: true, cluster_uid })
}

/// What the node may run, if it may come in: what an operator said counts before every rule, also at a later join.
fn clearance_of(
    known: Option<&NodeRecord>,
    ordered: Option<Clearance>,
    rule: &NodeAdmission,
    said: Option<Label>,
    pod: &ProvenPod,
) -> Result<Clearance, NodeRefusal> {
    if let Some(ordered) = ordered {
        return Ok(ordered);
    }
    let (node, found) = (pod.node.clone(), pod.node_uid);
    let upto = |ceiling| Clearance { ceiling, floor: None };
    match (known, rule) {
        (None, NodeAdmission::Manual) => Err(NodeRefusal::Waiting { node }),
        (None, NodeAdmission::Auto { clearance }) => Ok(upto(said.unwrap_or_else(|| clearance.clone()))),
        // The same machine, whose agent has lost its key.
        (Some(known), rule) if known.cluster_uid == Some(found) => Ok(match rule {
            NodeAdmission::Auto { .. } if !known.is_ordered => said.map_or_else(|| known.clearance.clone(), upto),
            _ => known.clearance.clone(),
        }),
        // Another machine under its name. One that an operator let in is not the cluster's to replace.
        (Some(NodeRecord { is_ordered: false, .. }), NodeAdmission::Auto { clearance }) => {
            Ok(upto(said.unwrap_or_else(|| clearance.clone())))
        }
        (Some(known), _) => Err(NodeRefusal::OtherUid { node, found, admitted: known.cluster_uid }),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_cluster::Uid;
    use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch, SpkiDigest};

    use super::*;
    use crate::store::NodeState;

    fn upto(ceiling: &str) -> Clearance {
        Clearance { ceiling: ceiling.parse().unwrap(), floor: None }
    }

    fn ordered(uid: Option<u8>) -> NodeRecord {
        NodeRecord { is_ordered: true, ..known(uid) }
    }

    fn known(uid: Option<u8>) -> NodeRecord {
        NodeRecord {
            life: NodeEpoch { node: "node-a".parse().unwrap(), epoch: Epoch::FIRST },
            clearance: upto("restricted"),
            is_ordered: false,
            addresses: Vec::new(),
            key: SpkiDigest::from_bytes([1; 32]),
            admitted_at: Timestamp::EPOCH,
            state: NodeState::Admitted,
            current_serial: None,
            next_serial: None,
            cluster_uid: uid.map(|byte| Uid::from_bytes([byte; 16])),
        }
    }

    fn pod() -> ProvenPod {
        ProvenPod {
            name: "bulkhead-system/agent-1".parse().unwrap(),
            instance: InstanceId::from_bytes([3; 16]),
            account: "ns/bulkhead-system/sa/bulkhead-agent".parse().unwrap(),
            node: "node-a".parse().unwrap(),
            node_uid: Uid::from_bytes([7; 16]),
            address: None,
            has_sidecar: false,
        }
    }

    #[test]
    fn who_comes_in_and_with_which_clearance() {
        let (manual, auto) = (NodeAdmission::Manual, NodeAdmission::Auto { clearance: "internal".parse().unwrap() });
        let stranger = None;
        let (same, replaced) = (Some(known(Some(7))), Some(known(Some(8))));
        let (same_ordered, replaced_ordered) = (Some(ordered(Some(7))), Some(ordered(Some(8))));
        let by_token = Some(ordered(None));
        for (who, ordered, rule, said, expected) in [
            (&stranger, None, &manual, None, Err("waits to be admitted")),
            (&stranger, None, &manual, Some("restricted"), Err("waits to be admitted")),
            (&stranger, Some("public"), &manual, Some("restricted"), Ok("public")),
            (&stranger, None, &auto, None, Ok("internal")),
            (&stranger, None, &auto, Some("restricted"), Ok("restricted")),
            (&stranger, Some("public"), &auto, Some("restricted"), Ok("public")),
            (&same, None, &manual, Some("public"), Ok("restricted")),
            (&same, None, &auto, None, Ok("restricted")),
            (&same, None, &auto, Some("public"), Ok("public")),
            (&replaced, None, &manual, None, Err("with the UID 07070707")),
            (&replaced, Some("public"), &manual, None, Ok("public")),
            (&replaced, None, &auto, None, Ok("internal")),
            (&same_ordered, None, &auto, Some("public"), Ok("restricted")),
            (&same_ordered, None, &auto, Some("secret"), Ok("restricted")),
            (&same_ordered, Some("public"), &auto, None, Ok("public")),
            (&replaced_ordered, None, &auto, Some("restricted"), Err("with the UID 07070707")),
            (&replaced_ordered, Some("public"), &auto, None, Ok("public")),
            (&by_token, None, &manual, None, Err("by a join token")),
            (&by_token, None, &auto, None, Err("by a join token")),
            (&by_token, Some("public"), &auto, None, Ok("public")),
        ] {
            let said = said.map(|label| label.parse().unwrap());
            let found = clearance_of(who.as_ref(), ordered.map(upto), rule, said.clone(), &pod());
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, upto(expected), "{who:?} {rule:?} {said:?}"),
                (Err(refusal), Err(expected)) => assert!(refusal.to_string().contains(expected), "{refusal}"),
                _ => panic!("{who:?} {rule:?} {said:?}: {found:?}"),
            }
        }
    }
}
