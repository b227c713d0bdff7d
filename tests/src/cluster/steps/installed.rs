//! Step: the first half of the README's quick start.

use anyhow::{Context as _, Result, ensure};

use super::{Scene, Teller};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    for command in before_the_label(scene)? {
        let printed = shell.types(teller, &command)?;
        teller.saw(printed.lines().next().unwrap_or_default());
    }
    for what in [
        "deployment/bulkhead-ca",
        "deployment/bulkhead-injector",
        "deployment/bulkhead-controller",
        "daemonset/bulkhead-agent",
    ] {
        shell.ask(&format!("kubectl rollout status -n bulkhead-system {what} --timeout=150s"))?;
    }
    teller.saw(&shell.ask("kubectl get pods -n bulkhead-system -o wide --no-headers | awk '{print $1, $2, $3, $7}'")?);
    let nodes = shell.until(
        "every node is admitted",
        "kubectl -n bulkhead-system exec deploy/bulkhead-ca -- bulkhead node list -o json",
        |printed| {
            let nodes: serde_json::Value = serde_json::from_str(printed).ok()?;
            (nodes.as_array()?.len() >= 2).then(|| nodes.clone())
        },
    )?;
    let admitted = nodes.as_array().context("a list of nodes")?.iter().all(|node| node["state"] == "admitted");
    ensure!(admitted, "a node is not admitted: {nodes}");
    teller.saw(&format!("{} nodes are admitted", nodes.as_array().map_or(0, Vec::len)));
    Ok(())
}

/// The commands up to the one that labels the namespace.
fn before_the_label(scene: &Scene) -> Result<Vec<String>> {
    let commands = scene.quick_start()?;
    let end = commands.iter().position(|command| command.contains("bulkhead-mesh.dev/inject"));
    Ok(commands[..end.context("the quick start labels no namespace")?].to_vec())
}
