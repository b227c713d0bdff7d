//! Step: a rolling update while requests go on.

use anyhow::Result;

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::running::Running;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let web = Pod::one(shell, "shop", "app=web")?;
    let load = Running::load(shell, &web, "db:80")?;
    shell.types(teller, "kubectl rollout restart -n shop deployment/db")?;
    shell.types(teller, "kubectl rollout status -n shop deployment/db --timeout=150s")?;
    shell.until("the old pods are gone", "kubectl get pods -n shop -l app=db -o name", |names| {
        (names.lines().count() == 2).then_some(())
    })?;
    teller.saw(&format!("{} requests answered meanwhile, none failed", load.without_failure()?));
    Ok(())
}
