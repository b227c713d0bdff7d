//! Who may talk to whom: one pure function on verified facts, evaluated at both ends of every connection.

mod admit;
mod egress;
mod flow;
#[cfg(test)]
mod laws;
mod mode;
mod verdict;

pub use admit::{Permit, PermitGround, Refusal, RefusalKind};
pub use egress::decide_egress;
pub use flow::{Direction, Flow, Party};
pub use mode::{Mode, Standing};
pub use verdict::{Ground, Verdict};

use crate::policy::{MeshDefault, Policy};
use crate::{Label, Levels, Timestamp};

/// Whether this connection may be: explicit denials first, then explicit allowances, then the mesh's default.
///
/// Both ends ask with the same facts and get the same answer; the server's is the boundary. A party whose level the
/// mesh does not know is refused before any rule is read. Nothing is allocated.
pub fn decide<'a>(flow: &Flow<'a>, policy: &'a Policy, now: Timestamp) -> Verdict<'a> {
    let levels = policy.levels();
    if let Some(label) = [flow.client, flow.server].into_iter().find_map(|party| unknown(party, levels)) {
        return Verdict::refused(Ground::UnknownLevel { label });
    }
    let ruling = policy
        .rules()
        .ask(flow.port, now, |rule| rule.from().matches(flow.client, levels) && rule.to().matches(flow.server, levels));
    Verdict::by_rules(ruling, || {
        let default = policy.mesh_default();
        let ground = Ground::Default { default, client: flow.client, server: flow.server };
        (allows(default, flow, levels), ground)
    })
}

/// The label of this party if its level is unknown.
fn unknown<'a>(party: Party<'a>, levels: &Levels) -> Option<&'a Label> {
    party.label().filter(|label| levels.named(&label.level).is_none())
}

/// Whether the default lets this pass; who has no certificate never passes by a default.
fn allows(default: MeshDefault, flow: &Flow<'_>, levels: &Levels) -> bool {
    let (Some(client), Some(server)) = (flow.client.label(), flow.server.label()) else { return false };
    match default {
        MeshDefault::SameLabel => client == server,
        MeshDefault::Dominates => levels.dominates(client, server),
        MeshDefault::None => false,
    }
}
