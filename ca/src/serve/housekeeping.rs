//! Forgets, once an hour, what has ended so long ago that nobody can ask for it any more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_mesh::InstanceId;

use crate::ca::Ca;
use crate::store::{Lane, Snapshot, StoreError};

/// Prunes until dropped.
pub(super) async fn run(ca: Arc<Ca>) {
    loop {
        ca.clock.until(ca.now().plus(INTERVAL)).await;
        if let Err(error) = prune(&ca).await {
            tracing::warn!(error = chain(&error), "old records were not pruned");
        }
    }
}

async fn prune(ca: &Arc<Ca>) -> Result<(), StoreError> {
    let (clock, kept) = (ca.now(), ca.settings.renewal_grace + KEPT);
    let pruned = ca.store.write(Lane::Ordinary, move |tx| {
        let until = tx.now(clock)?.minus(kept);
        let tokens = tx.prune_tokens(until)? + tx.prune_node_orders(until)?;
        let pods = tx.end_lapsed_pods(clock)?;
        Ok::<_, StoreError>((tokens, tx.prune_certificates(until)?, pods))
    });
    let (tokens, certificates, pods) = pruned.await?;
    let cutoffs = ca.fanout.expire(&ca.known, clock, ca.settings.renewal_grace).await;
    let living = ca.store.read(living).await?;
    let instances = ca.fanout.acknowledgements.retain(&living);
    tracing::debug!(tokens, certificates, pods, cutoffs, instances, "pruned");
    Ok(())
}

fn living(now: &Snapshot<'_>) -> Result<BTreeSet<InstanceId>, StoreError> {
    Ok(now.living_instances()?.into_iter().map(|copy| copy.id).collect())
}

const INTERVAL: Duration = Duration::from_hours(1);
/// Ended certificates and tokens stay on record this long, and for the grace in which a node may renew.
const KEPT: Duration = Duration::from_hours(7 * 24);
