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
use crate::policy_file::{self, PolicyFileError};
use crate::sign::Certificate;
use crate::store::{
    CertificateRecord, FactKind, Lane, Limits, OpenError, OperatorRecord, PolicyRecord, Role, Store, Tx,
};

/// Where the records lie in the CA's directory.
pub fn records(directory: &Path) -> PathBuf {
    directory.join("ca.db")
}

/// The policy with which a CA begins.
#[derive(Debug)]
pub struct FirstPolicy {
    policy: Policy,
    /// As its author wrote it.
    document: String,
}

impl FirstPolicy {
    /// Reads it from YAML.
    pub fn read(yaml: &str) -> Result<Self, PolicyFileError> {
        Ok(Self { policy: policy_file::read(yaml)?, document: yaml.to_owned() })
    }
}

impl Default for FirstPolicy {
    fn default() -> Self {
        let policy = Policy::default();
        Self { document: crate::policy::show(&policy), policy }
    }
}

/// Makes the records of a new CA.
pub async fn found(
    directory: &Path,
    authority: &Authority,
    operators: Vec<(OperatorName, Role, Certificate)>,
    policy: FirstPolicy,
    now: Timestamp,
) -> Result<(), BeginError> {
    let store = Store::create(&records(directory), Limits::default())?;
    let signer = authority.feed_signer()?;
    let issuers = authority.issuers();
    let begun = store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(now)?;
        for (name, role, certificate) in operators {
            tx.insert_operator(&OperatorRecord { name: name.clone(), role, added_at: now })?;
            tx.record_certificate(&CertificateRecord::of(&certificate))?;
            let first = role == Role::Owner;
            let action = if first { Action::Initialise } else { Action::AddOperator };
            let detail = format!("{} operator, role `{role}`", if first { "the first" } else { "an" });
            let (actor, subject, outcome) = (Actor::Ca, format!("operator/{name}"), Outcome::Done);
            tx.audit(&AuditRecord { at: now, actor, action, subject, detail, outcome })?;
        }
        tx.begin_incarnation(now)?;
        first_facts(tx, &signer, issuers, policy, now)?;
        Ok::<_, Denied>(())
    });
    begun.await?;
    store.close().await;
    Ok(())
}

fn first_facts(
    tx: &mut Tx<'_>,
    signer: &FeedSigner,
    issuers: AcceptedIssuers,
    FirstPolicy { policy, document }: FirstPolicy,
    now: Timestamp,
) -> Result<(), Denied> {
    if let AcceptedIssuers::Listed(digests) = issuers {
        say(signer, tx, FactKind::Issuers, None, &Statement::Issuers(Arc::new(digests)))?;
    }
    let position = say(signer, tx, FactKind::Policy, None, &Statement::Policy(Arc::new(policy)))?;
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
