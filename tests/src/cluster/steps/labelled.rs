//! Step: the second half of the README's quick start.

use anyhow::{Context as _, Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::steps::shop::all_ready;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let commands = scene.quick_start()?;
    let begin = commands.iter().position(|command| command.contains("bulkhead-mesh.dev/inject"));
    let begin = begin.context("the quick start labels no namespace")?;
    // The last one revokes a node, which another step does.
    for command in commands[begin..].iter().filter(|command| !command.contains("node revoke")) {
        shell.types(teller, command)?;
    }
    shell.ask("kubectl label namespace pay bulkhead-mesh.dev/inject=enabled")?;
    shell.ask("kubectl rollout restart statefulset -n shop && kubectl rollout restart deployment -n pay")?;
    all_ready(scene)?;
    let pods = shell.until("only pods with sidecars are left", "kubectl get pods -n shop -o name", |_| {
        let pods = Pod::all(shell, "shop", "app").ok()?;
        pods.iter().all(Pod::is_meshed).then_some(pods)
    })?;
    ensure!(pods.iter().all(Pod::is_ready), "a pod is not ready: {pods:?}");
    let with: Vec<_> = pods.iter().map(Pod::seconds_to_ready).collect::<Result<_>>()?;
    teller.saw(&format!("{} pods ready with their sidecars, each after {with:?} s", pods.len()));
    teller.saw(&format!("before, without: {:?} s", scene.ready_without));
    Ok(())
}
