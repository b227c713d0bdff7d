//! Step: a rolling update while requests go on.

use anyhow::Result;

use super::{Scene, Teller};
use crate::cluster::running::Calls;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let calls = Calls::count(shell)?;
    shell.types(teller, "kubectl rollout restart -n shop deployment/db")?;
    shell.types(teller, "kubectl rollout status -n shop deployment/db --timeout=150s")?;
    shell.until("the old pods are gone", "kubectl get pods -n shop -l app=db -o name", |names| {
        (names.lines().count() == 2).then_some(())
    })?;
    teller.saw(&format!("{} requests answered meanwhile, none failed", calls.without_failure()?));
    Ok(())
}
