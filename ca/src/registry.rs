//! What operators register: workloads on nodes, and services in front of workloads.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Cutoff, InstanceId, Label, NodeName, Reason, Subject, Timestamp, WorkloadName};
use bulkhead_protocol::feed::Statement;

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::caller::{By, Ordinary};
use crate::denied::Denied;
use crate::dice;
use crate::store::{FactKind, Lane, RegistrationRecord, RegistrationState, ServiceRecord, Source, Tx};

/// A workload that an operator wants to stand on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorkload {
    /// Its account.
    pub workload: WorkloadName,
    /// The node.
    pub node: NodeName,
    /// Its label; `None` for the policy's default.
    pub label: Option<Label>,
    /// The address that it owns.
    pub address: IpAddr,
    /// The user that may open its socket.
    pub uid: u32,
    /// The group that may open its socket.
    pub gid: u32,
}

/// Registers a workload. The first owner of an address keeps it; a label outside the node's clearance is refused.
pub async fn register(ca: &Arc<Ca>, by: By<Ordinary>, new: NewWorkload) -> Result<RegistrationRecord, Denied> {
    let (office, clock, id) = (Arc::clone(ca), ca.now(), InstanceId::from_bytes(dice::random()?));
    let registered = ca.store.write(Lane::Ordinary, move |tx| {
        let registered_at = tx.now(clock)?;
        let policy = office.known.policy();
        let label = new.label.unwrap_or_else(|| policy.default_label().clone());
        let node = tx.admitted_node_named(&new.node)?;
        if !node.clearance.allows(&label, policy.levels()) {
            let (label, clearance) = (Box::new(label), Box::new(node.clearance));
            return Err(Denied::Clearance { label, node: new.node, clearance });
        }
        let NewWorkload { workload, address, uid, gid, .. } = new;
        let (node, state) = (node.life, RegistrationState::Registered);
        let record = RegistrationRecord {
            id,
            source: Source::Operator,
            workload,
            label,
            node,
            address: address.to_canonical(),
            uid,
            gid,
            registered_at,
            state,
        };
        tx.insert_registration(&record)?;
        tx.audit(&audit_record(&by, Action::RegisterWorkload, &record, registered_at))?;
        Ok(record)
    });
    let record = registered.await?;
    ca.fanout.publish(ca).await?;
    Ok(record)
}

/// Removes a registration: it gets no certificate any more, those that it has are void, and its address is free.
pub async fn remove(ca: &Arc<Ca>, by: By<Ordinary>, id: InstanceId) -> Result<(), Denied> {
    let (office, clock) = (Arc::clone(ca), ca.now());
    let removed = ca.store.write(Lane::Ordinary, move |tx| {
        let at = tx.now(clock)?;
        let record = tx.remove_registration(id)?;
        let reason = "its registration was removed".parse().expect("it is short and printable");
        // Nothing is issued to the instance after this transaction, so every certificate that it ever had is meant.
        cut_off(tx, &office, id, at.plus(Duration::from_millis(1)), reason)?;
        tx.audit(&audit_record(&by, Action::RemoveWorkload, &record, at))?;
        Ok::<_, Denied>(())
    });
    removed.await?;
    Ok(ca.fanout.publish(ca).await?)
}

/// Whoever still has the instance's key could go on with it until its certificate ends: so that is cut off.
pub(crate) fn cut_off(
    tx: &mut Tx<'_>,
    ca: &Ca,
    instance: InstanceId,
    issued_before: Timestamp,
    reason: Reason,
) -> Result<(), Denied> {
    let Some(bound) = tx.latest_not_after_of_instance(instance)? else { return Ok(()) };
    let subject = Subject::Instance { instance, issued_before };
    let cutoff = Cutoff { subject, reason, bound };
    ca.fanout.say(tx, FactKind::Cutoff, Some(bound), &Statement::Cutoff(cutoff)).map(drop)
}

/// Puts a service in front of the copies of a workload; says how many of them answer.
pub async fn create_service(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    new: ServiceRecord,
) -> Result<(ServiceRecord, usize), Denied> {
    let clock = ca.now();
    let created = ca.store.write(Lane::Ordinary, move |tx| {
        let at = tx.now(clock)?;
        let record = ServiceRecord { created_at: at, ..new };
        tx.create_service(&record)?;
        let (actor, subject) = (Actor::Operator(by.operator().clone()), record.name.to_string());
        let detail = format!("{} for `{}`", record.address, record.workload);
        let (action, outcome) = (Action::CreateService, Outcome::Done);
        tx.audit(&AuditRecord { at, actor, action, subject, detail, outcome })?;
        let endpoints = tx.endpoints(&record.workload)?.len();
        Ok::<_, Denied>((record, endpoints))
    });
    let created = created.await?;
    ca.fanout.publish(ca).await?;
    Ok(created)
}

fn audit_record(by: &By<Ordinary>, action: Action, record: &RegistrationRecord, at: Timestamp) -> AuditRecord {
    let RegistrationRecord { id, workload, label, node, address, .. } = record;
    let detail = format!("{workload} `{label}` on {node} at {address}");
    let actor = Actor::Operator(by.operator().clone());
    AuditRecord { at, actor, action, subject: id.to_string(), detail, outcome: Outcome::Done }
}
