//! Evidence by registration: an operator said that this workload stands on the node that asks.

use bulkhead_mesh::InstanceId;

use crate::denied::Denied;
use crate::draft::WorkloadFacts;
use crate::store::{NodeRecord, RegistrationState, Snapshot, Source};

/// The registered workload, if it still counts and stands on this node in this life.
///
/// A registration elsewhere is answered like one that does not exist: a node learns nothing of others. So is a pod's: it
/// proves itself, and nobody's word stands for its token.
pub(super) fn prove(now: &Snapshot<'_>, node: &NodeRecord, id: InstanceId) -> Result<WorkloadFacts, Denied> {
    let found = now.registration(id)?;
    let found = found.filter(|found| {
        found.node == node.life && found.state == RegistrationState::Registered && found.source == Source::Operator
    });
    let refuse = || Denied::NotRegistered { registration: id, node: node.life.node.clone() };
    let registered = found.ok_or_else(refuse)?;
    Ok(WorkloadFacts {
        name: registered.workload,
        label: registered.label,
        node: registered.node,
        instance: registered.id,
    })
}
