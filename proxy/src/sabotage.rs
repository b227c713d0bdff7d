//! What the demo's `BREAK=n` breaks in a proxy; without the feature `sabotage` each of these does nothing.

use std::sync::Arc;

use bulkhead_daemon::sabotage::breaks;
use bulkhead_identity::{Demand, PurposeKind};
use bulkhead_mesh::Policy;
use bulkhead_mesh::policy::{Clause, Document, RuleDocument, Selector};

/// The policy in force; for steps 2 and 3 one that allows everything to everybody.
pub(crate) fn policy(in_force: Arc<Policy>) -> Arc<Policy> {
    if breaks(2) || breaks(3) { Arc::new(permissive(&in_force).unwrap_or_default()) } else { in_force }
}

/// What is demanded of a peer at the tunnel port; for step 4 only some certificate of the mesh.
pub(crate) fn demand() -> Demand {
    if breaks(4) { Demand::any_of(&PurposeKind::ALL) } else { Demand::workload() }
}

/// Whether a workload with a sidecar is reached in clear (step 2).
pub(crate) fn skips_tunnels() -> bool {
    breaks(2)
}

/// Whether connections outlive what forbids them (step 5).
pub(crate) fn skips_sweeps() -> bool {
    breaks(5)
}

/// Whether a restart forgets what was known (step 6).
pub(crate) fn forgets() -> bool {
    breaks(6)
}

fn permissive(in_force: &Policy) -> Option<Policy> {
    let allow = |name: &str, from, to| RuleDocument {
        name: name.to_owned(),
        allow: Some(Clause { from, to, ports: None }),
        deny: None,
        expires: None,
        audit: false,
    };
    let rules = vec![
        allow("broken-1", Selector::Any, Selector::Any),
        allow("broken-2", Selector::Unauthenticated, Selector::Any),
        allow("broken-3", Selector::Any, Selector::Unauthenticated),
    ];
    Policy::try_from(Document { rules, ..in_force.document().clone() }).ok()
}
