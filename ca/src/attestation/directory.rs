//! The certificate of the directory source, `/control/directory`.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{ControlRole, Levels, Purpose, Serial};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::csr;
use crate::denied::Denied;
use crate::dice;
use crate::draft::Draft;
use crate::evidence::pod_token::ProvenPod;
use crate::lint::lint;
use crate::sign::{Certificate, sign};
use crate::store::{CertificateRecord, Lane, NodeRefusal, Snapshot, StoreError};

/// Issues it. Its pod may stand on a node that has not joined yet, but on none that is thrown out.
pub(super) async fn issue(ca: &Arc<Ca>, pod: ProvenPod, csr: Vec<u8>) -> Result<Certificate, Denied> {
    let role = ControlRole::Directory;
    let key = csr::read(&csr, &Purpose::Control(role).id(ca.authority.trust_domain())?)?;
    let (office, clock, serial) = (Arc::clone(ca), ca.now(), Serial::from_random(dice::random()?));
    let issued = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        refuse_thrown_out(tx, &pod)?;
        let control = office.authority.control();
        let draft = Draft::control(control.trust_domain(), role, key, control.terms(serial, now, LIFETIME))?;
        // It has no label, so any levels will do.
        let certificate = sign(lint(draft, control, &Levels::default())?, control)?;
        tx.record_certificate(&CertificateRecord::of(&certificate))?;
        let (actor, action, outcome) = (Actor::Pod(pod.name), Action::IssueCertificate, Outcome::Done);
        let (subject, detail) = (format!("control/{}", role.as_str()), format!("serial {serial} on `{}`", pod.node));
        tx.audit(&AuditRecord { at: now, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(certificate)
    });
    issued.await
}

/// Refuses a pod on a node that is revoked or in quarantine, under this name or as this machine.
fn refuse_thrown_out(now: &Snapshot<'_>, pod: &ProvenPod) -> Result<(), Denied> {
    if let Some(node) = now.node(&pod.node)? {
        node.refuse_unless_admitted().map_err(StoreError::from)?;
    }
    match now.revoked_node_with_uid(pod.node_uid)? {
        Some(node) => Err(StoreError::from(NodeRefusal::RevokedUid { uid: pod.node_uid, life: node.life }).into()),
        None => Ok(()),
    }
}

/// It is bound to no node, so that no revocation of one ends it: it ends by itself soon.
const LIFETIME: Duration = Duration::from_hours(1);
