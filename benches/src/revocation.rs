//! The rows `revocation-100` and `revocation-1000`: from the commit of a node's revocation until everybody enforces it.
//!
//! So many proxies watch the feed. Some are real sidecars, each with a download from the node that is to be revoked;
//! the others are watchers in one process (see [`crate::watching`]). Each run admits a node, lets all real sidecars
//! download from it, revokes it, and reads two clocks: the CA's receipt, and a capture of the wire.

mod crowd;
mod run;
mod victim;

use std::time::Instant;

use anyhow::Result;

pub use crowd::Size;

use crate::arm::ArmName;
use crate::descriptors;
use crate::result::{Outcome, Run};
use crate::stop::Stop;
use crowd::Crowd;

/// Revokes `runs` nodes, one after the other, before the eyes of so many proxies, of which eight are real sidecars.
///
/// It has a lab of its own, so that nothing else is on the wire; `began` is when the bench did. A run that does not end
/// as it should is an outcome in words; an error means that the proxies could not be assembled. A wish for an end lets
/// the current run end, and ends an assembly between two of its stages, with no run at all.
pub fn revocations(
    began: Instant,
    proxies: u32,
    runs: u32,
    stop: &Stop,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Run>> {
    revocations_before(Size { proxies, real: REAL.min(proxies) }, began, runs, stop, progress)
}

/// The same with another number of real sidecars.
pub fn revocations_before(
    size: Size,
    began: Instant,
    runs: u32,
    stop: &Stop,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Run>> {
    descriptors::raise()?;
    let mut done = Vec::new();
    let Some(crowd) = Crowd::assemble(size, stop, progress)? else { return Ok(done) };
    for round in 0..runs {
        if stop.is_wanted() {
            break;
        }
        progress(&format!("revoking node {} of {runs}", round + 1));
        let at = began.elapsed().as_secs_f64();
        let outcome = run::revoke(&crowd, round).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        done.push(Run { arm: ArmName::bulkhead(), round, place: 0, at, proof: None, outcome });
    }
    Ok(done)
}

/// As many real sidecars as the promise is measured with; each takes some megabytes and a share of the processors.
const REAL: u32 = 8;
