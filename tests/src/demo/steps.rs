//! The steps of the story, in order.

mod admitted;
mod encrypted;
mod refused;
mod revoked;
mod strangers;
mod without_the_ca;

use anyhow::Result;

use super::scene::Scene;
use crate::teller::Teller;

/// One step: it fails when what it tells was not seen.
type Step = fn(&Teller, &mut Scene) -> Result<()>;

/// Every step with its title.
pub(super) const ALL: [(&str, Step); 6] = [
    ("five nodes are admitted, six workloads have certificates", admitted::step),
    ("web reads from db: nothing of it is legible on the wire", encrypted::step),
    ("web may not reach ledger, whatever its own side does", refused::step),
    ("a stranger, a node and an operator are no workloads", strangers::step),
    ("n1 is revoked: its download dies within a second, everything else goes on", revoked::step),
    ("without the CA the mesh goes on, and a restart forgets nothing", without_the_ca::step),
];
