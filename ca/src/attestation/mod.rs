//! Certificates for pods of a cluster, by their tokens: what they get follows from the account that the token belongs to.

mod directory;
mod node;
mod workload;

use std::sync::Arc;

use crate::ca::Ca;
use crate::denied::Denied;
use crate::evidence::{EvidenceRefusal, pod_token};
use crate::sign::Certificate;

/// A certificate for whoever the token belongs to.
///
/// The cluster is asked before any transaction begins: a slow API server holds up nobody else.
pub async fn attest(ca: &Arc<Ca>, token: &str, csr: Vec<u8>) -> Result<Certificate, Denied> {
    let kubernetes = ca.kubernetes.clone().ok_or(EvidenceRefusal::NoCluster)?;
    let pod = pod_token::prove(&kubernetes, token).await?;
    let account = Some(&pod.account);
    if account == kubernetes.settings.agent_account.as_ref() {
        node::join(ca, &kubernetes, pod, csr).await
    } else if account == kubernetes.settings.directory_account.as_ref() {
        directory::issue(ca, pod, csr).await
    } else {
        workload::issue(ca, &kubernetes, pod, csr).await
    }
}
