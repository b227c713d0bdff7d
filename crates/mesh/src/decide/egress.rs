//! Who may leave the mesh.

use std::net::SocketAddr;

use super::{Ground, Party, Verdict, unknown};
use crate::Timestamp;
use crate::policy::Policy;

/// Whether a workload may reach a destination outside the mesh: explicit denials first, then explicit allowances, else
/// refused. A destination inside the mesh is always refused here, whatever a rule says: there, [`super::decide`] does.
pub fn decide_egress<'a>(
    client: Party<'a>,
    destination: SocketAddr,
    policy: &'a Policy,
    now: Timestamp,
) -> Verdict<'a> {
    // `::ffff:10.77.0.1` is the same destination as 10.77.0.1 to the kernel, so it must be the same to us.
    let address = destination.ip().to_canonical();
    if let Some(label) = unknown(client, policy.levels()) {
        return Verdict::refused(Ground::UnknownLevel { label });
    }
    if policy.in_mesh(address) {
        return Verdict::refused(Ground::InsideMesh { destination });
    }
    let ruling = policy.egress().ask(destination.port(), now, |rule| {
        rule.from().matches(client, policy.levels()) && rule.to().iter().any(|range| range.contains(&address))
    });
    Verdict::by_rules(ruling, || (false, Ground::NoEgressRule { client, destination }))
}
