//! Revoking a node: one transaction, in a lane of its own before all other writing.

use std::sync::Arc;

use bulkhead_mesh::{Cutoff, NodeEpoch, NodeName, Reason, Subject, Timestamp};
use bulkhead_protocol::feed::{Position, Statement};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::caller::{By, Tightening};
use crate::denied::Denied;
use crate::store::{FactKind, Lane, Tx};

/// A revocation that is committed: from here on the CA refuses the node everything, and every watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The life that ended.
    pub life: NodeEpoch,
    /// The fact that says so.
    pub position: Position,
    /// The CA's time at the commit.
    pub at: Timestamp,
}

/// Cuts a node off, in this life and for good.
pub async fn revoke_node(
    ca: &Arc<Ca>,
    by: By<Tightening>,
    node: NodeName,
    reason: Reason,
) -> Result<Revocation, Denied> {
    let (office, clock) = (Arc::clone(ca), ca.now());
    let revoked = ca.store.write(Lane::Urgent, move |tx| {
        let at = tx.now(clock)?;
        let life = tx.revoke_node(&node, at, &reason)?.life;
        let position = tell(tx, &office, &life, &reason, at)?;
        let (actor, subject) = (Actor::Operator(by.operator().clone()), life.to_string());
        let detail = format!("{reason} (fact {position})");
        let (action, outcome) = (Action::RevokeNode, Outcome::Done);
        tx.audit(&AuditRecord { at, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(Revocation { life, position, at })
    });
    let revocation = revoked.await?;
    // Told when asked for, not when the next look at the store comes round.
    ca.fanout.publish(ca).await?;
    Ok(revocation)
}

fn tell(tx: &mut Tx<'_>, ca: &Ca, life: &NodeEpoch, reason: &Reason, at: Timestamp) -> Result<Position, Denied> {
    let NodeEpoch { node, epoch } = life.clone();
    // Nothing is issued to the node after this transaction, so its last certificate is known.
    let bound = tx.latest_not_after(life)?.unwrap_or(at);
    let cutoff = Cutoff { subject: Subject::Node { node, epoch }, reason: reason.clone(), bound };
    ca.fanout.say(tx, FactKind::Cutoff, Some(bound), &Statement::Cutoff(cutoff))
}
