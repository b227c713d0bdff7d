//! Putting a policy in force.

use std::sync::Arc;

use bulkhead_mesh::{Levels, Policy};
use bulkhead_protocol::feed::{Position, Statement};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::caller::{By, Loosening};
use crate::denied::Denied;
use crate::policy_file;
use crate::store::{FactKind, Lane, PolicyRecord, Snapshot};

/// Reads a policy in YAML and puts it in force everywhere; one that is not valid is refused with line and reason.
pub async fn apply(ca: &Arc<Ca>, by: By<Loosening>, yaml: String) -> Result<Position, Denied> {
    let policy = Arc::new(policy_file::read(&yaml)?);
    let (office, clock) = (Arc::clone(ca), ca.now());
    let applied = ca.store.write(Lane::Ordinary, move |tx| {
        let at = tx.now(clock)?;
        keep_numbers(in_force(tx)?.levels(), policy.levels())?;
        let position = office.fanout.say(tx, FactKind::Policy, None, &Statement::Policy(Arc::clone(&policy)))?;
        let (operator, stored) = (by.operator().clone(), crate::fanout::store_position(position));
        tx.record_policy(&PolicyRecord {
            position: stored,
            document: yaml,
            applied_by: Some(operator.clone()),
            applied_at: at,
        })?;
        let (subject, detail) = ("policy".to_owned(), format!("fact {position}"));
        let (actor, action, outcome) = (Actor::Operator(operator), Action::ApplyPolicy, Outcome::Done);
        tx.audit(&AuditRecord { at, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(position)
    });
    let position = applied.await?;
    ca.fanout.publish(ca).await?;
    Ok(position)
}

/// The policy of this transaction's state: what the CA holds in memory is behind it while another is being told.
fn in_force(now: &Snapshot<'_>) -> Result<Policy, Denied> {
    now.policy()?.map_or_else(|| Ok(Policy::default()), |record| Ok(policy_file::read(&record.document)?))
}

/// A level's number stands in certificates that live: it may neither change nor be taken for another level.
fn keep_numbers(old: &Levels, new: &Levels) -> Result<(), Denied> {
    for was in old.iter() {
        let now = new.named(&was.name);
        if now.is_none_or(|now| now.number != was.number) {
            let is = now.map_or_else(|| "none".to_owned(), |now| now.number.to_string());
            return Err(Denied::LevelChanged { level: was.name.clone(), was: was.number, is });
        }
    }
    Ok(())
}

/// The policy in force as a JSON document.
pub fn show(policy: &Policy) -> String {
    bulkhead_protocol::convert::policy_json(policy)
}
