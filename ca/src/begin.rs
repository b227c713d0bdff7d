//! The first records of a new CA: its first operator, its first history, and the two facts with which that begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_identity::AcceptedIssuers;
use bulkhead_mesh::{OperatorName, Policy, Timestamp};
use bulkhead_protocol::feed::{FeedSigner, Statement};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::authority::Authority;
use crate::denied::Denied;
use crate::fanout::{say, store_position};
use crate::sign::Certificate;
use crate::store::{
    CertificateRecord, FactKind, Lane, Limits, OpenError, OperatorRecord, PolicyRecord, Role, Store, Tx,
};

/// Where the records lie in the CA's directory.
pub fn records(directory: &Path) -> PathBuf {
    directory.join("ca.db")
}

/// Makes the records of a new CA.
pub async fn found(
    directory: &Path,
    authority: &Authority,
    operator: (OperatorName, Certificate),
    now: Timestamp,
) -> Result<(), BeginError> {
    let store = Store::create(&records(directory), Limits::default())?;
    let signer = authority.feed_signer()?;
    let issuers = authority.issuers();
    let begun = store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(now)?;
        let (name, certificate) = operator;
        tx.insert_operator(&OperatorRecord { name: name.clone(), role: Role::Owner, added_at: now })?;
        tx.record_certificate(&CertificateRecord::of(&certificate))?;
        tx.begin_incarnation(now)?;
        first_facts(tx, &signer, issuers, now)?;
        let (subject, detail) = (format!("operator/{name}"), "the first operator, role `owner`".to_owned());
        let (actor, action, outcome) = (Actor::Ca, Action::Initialise, Outcome::Done);
        tx.audit(&AuditRecord { at: now, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(())
    });
    begun.await?;
    store.close().await;
    Ok(())
}

fn first_facts(tx: &mut Tx<'_>, signer: &FeedSigner, issuers: AcceptedIssuers, now: Timestamp) -> Result<(), Denied> {
    if let AcceptedIssuers::Listed(digests) = issuers {
        say(signer, tx, FactKind::Issuers, None, &Statement::Issuers(Arc::new(digests)))?;
    }
    let policy = Arc::new(Policy::default());
    let position = say(signer, tx, FactKind::Policy, None, &Statement::Policy(Arc::clone(&policy)))?;
    let document = crate::policy::show(&policy);
    let position = store_position(position);
    tx.record_policy(&PolicyRecord { position, document, applied_by: None, applied_at: now })?;
    Ok(())
}

/// Why there are no first records.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum BeginError {
    #[error("the records cannot be made")]
    Open(#[from] OpenError),
    #[error("the key of the feed cannot be used")]
    Feed(#[from] bulkhead_protocol::feed::signature::KeyError),
    #[error("the first records cannot be written")]
    Write(#[from] Denied),
}
