//! Certificates for those who can prove what they ask for: a node's next one, and its workloads'.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Label, NodeEpoch, Purpose, Reason, Serial, Timestamp};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::authority::{Issuing, IssuingKey};
use crate::ca::Ca;
use crate::caller::{Caller, Node, RenewingNode};
use crate::csr::{self, RequestedKey};
use crate::denied::Denied;
use crate::dice;
use crate::draft::{Draft, WorkloadFacts};
use crate::evidence::Evidence;
use crate::lint::lint;
use crate::sign::{Certificate, sign};
use crate::store::{CertificateRecord, Lane, NodeRecord, Presented, Tx};

/// Issues a workload's certificate to the node that it stands on.
pub async fn issue(ca: &Arc<Ca>, by: Caller<Node>, evidence: Evidence, csr: Vec<u8>) -> Result<Certificate, Denied> {
    let (office, clock, serial) = (Arc::clone(ca), ca.now(), Serial::from_random(dice::random()?));
    let issued = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        // Asked again here: since the layer looked, the node may have been revoked.
        let node = tx.admitted_node(&by.role().life)?;
        let facts = evidence.prove(tx, &node)?;
        let lifetime = lifetime_of(&office, &node, &facts.label)?;
        let key = csr::read(&csr, &Purpose::Workload(facts.name.clone()).id(office.authority.trust_domain())?)?;
        let issuing = office.authority.issuing();
        let terms = issuing.terms(serial, now, lifetime);
        let draft = Draft::workload(issuing.trust_domain(), facts.clone(), key, terms)?;
        let certificate = sign_and_record(tx, &office, draft)?;
        tx.audit(&workload_record(Actor::Node(facts.node.node.clone()), now, &facts, &certificate))?;
        Ok(certificate)
    });
    issued.await
}

/// Issues a node's next certificate under its name.
///
/// Whoever shows a certificate that a newer one has replaced holds a copy of the node's identity, or is the node while
/// somebody else holds the copy. Which of the two cannot be told, so the node is quarantined, and that is committed.
pub async fn renew(ca: &Arc<Ca>, by: Caller<RenewingNode>, csr: Vec<u8>) -> Result<Certificate, Denied> {
    let (office, clock, serial) = (Arc::clone(ca), ca.now(), Serial::from_random(dice::random()?));
    let RenewingNode { life, serial: presented, .. } = by.role().clone();
    let node = life.node.clone();
    let renewed = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        if tx.note_presented(&life, presented)? == Presented::Superseded {
            return quarantine(tx, &life, now).map(|()| None);
        }
        let key = csr::read(&csr, &Purpose::Node(life.node.clone()).id(office.authority.trust_domain())?)?;
        let certificate = sign_node(tx, &office, &life, key, serial, now)?;
        tx.audit(&node_record(Actor::Node(life.node.clone()), Action::RenewNode, &life, &certificate, now))?;
        Ok::<_, Denied>(Some(certificate))
    });
    renewed.await?.ok_or(Denied::Copied { node })
}

/// Signs a node's certificate for this key and notes it as the node's next.
pub(crate) fn sign_node(
    tx: &mut Tx<'_>,
    ca: &Ca,
    life: &NodeEpoch,
    key: RequestedKey,
    serial: Serial,
    now: Timestamp,
) -> Result<Certificate, Denied> {
    let issuing = ca.authority.issuing();
    let terms = issuing.terms(serial, now, ca.settings.node_lifetime);
    let digest = key.digest();
    let certificate = sign_and_record(tx, ca, Draft::node(issuing.trust_domain(), life.clone(), key, terms)?)?;
    tx.note_issued(life, serial, digest)?;
    Ok(certificate)
}

/// The audit record of a node's certificate.
pub(crate) fn node_record(
    actor: Actor,
    action: Action,
    life: &NodeEpoch,
    certificate: &Certificate,
    at: Timestamp,
) -> AuditRecord {
    let leaf = certificate.leaf();
    let detail = format!("serial {}, until {}", leaf.serial, leaf.not_after);
    AuditRecord { at, actor, action, subject: life.to_string(), detail, outcome: Outcome::Done }
}

/// Lints, signs and puts on record, in this order: nothing leaves that is not on record.
pub(crate) fn sign_and_record(tx: &mut Tx<'_>, ca: &Ca, draft: Draft<Issuing>) -> Result<Certificate, Denied> {
    let issuing: &IssuingKey<Issuing> = ca.authority.issuing();
    let certificate = sign(lint(draft, issuing, ca.known.policy().levels())?, issuing)?;
    tx.record_certificate(&CertificateRecord::of(&certificate))?;
    Ok(certificate)
}

/// How long a certificate with this label lives on this node, if the node is cleared for it.
pub(crate) fn lifetime_of(ca: &Ca, node: &NodeRecord, label: &Label) -> Result<Duration, Denied> {
    let policy = ca.known.policy();
    if !node.clearance.allows(label, policy.levels()) {
        let (label, clearance) = (Box::new(label.clone()), Box::new(node.clearance.clone()));
        return Err(Denied::Clearance { label, node: node.life.node.clone(), clearance });
    }
    policy.lifetime_of(&label.level).ok_or_else(|| Denied::UnknownLevel { level: label.level.clone() })
}

fn quarantine(tx: &mut Tx<'_>, life: &NodeEpoch, now: Timestamp) -> Result<(), Denied> {
    let reason: Reason =
        "a certificate that was replaced has been used again".parse().expect("it is short and printable");
    tx.quarantine_node(&life.node, now, &reason)?;
    let (subject, detail) = (life.to_string(), reason.to_string());
    let (action, outcome) = (Action::QuarantineNode, Outcome::Done);
    tx.audit(&AuditRecord { at: now, actor: Actor::Ca, action, subject, detail, outcome })?;
    Ok(())
}

/// The audit record of a workload's certificate.
pub(crate) fn workload_record(
    actor: Actor,
    at: Timestamp,
    facts: &WorkloadFacts,
    certificate: &Certificate,
) -> AuditRecord {
    let leaf = certificate.leaf();
    let detail = format!("{} `{}` serial {}, until {}", facts.name, facts.label, leaf.serial, leaf.not_after);
    let (action, subject) = (Action::IssueCertificate, facts.instance.to_string());
    AuditRecord { at, actor, action, subject, detail, outcome: Outcome::Done }
}
