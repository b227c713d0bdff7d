//! Step: the last command of the README's quick start, under a running download.

use anyhow::{Context as _, Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::running::Running;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let command = scene
        .quick_start()?
        .into_iter()
        .find(|command| command.contains("node revoke"))
        .context("the quick start revokes no node")?;
    let webs = Pod::all(shell, "shop", "app=web")?;
    let lost = webs.iter().find(|pod| command.contains(&pod.node)).context("no pod web on the node that is revoked")?;
    let server = Pod::all(shell, "shop", "app=db")?.into_iter().find(|pod| pod.node != lost.node);
    let server = server.context("no pod db on another node")?;
    let download = Running::download(shell, lost, &format!("{}:8080", server.address))?;
    let receipt = shell.types(teller, &command)?;
    teller.saw(&receipt);
    ensure!(receipt.contains("enforce"), "no receipt: {receipt}");
    let end = download.end()?;
    ensure!(end.contains("a reset"), "the download ended otherwise than by a reset: {end}");
    teller.saw(&format!("the download of web on {}: {end}", lost.node));
    let refused = shell.fails(&lost.app(&format!("fetch {}:8080 /name", server.address)))?;
    teller.saw(&format!("web on {} afterwards: {}", lost.node, refused.lines().next().unwrap_or_default()));
    let log = format!("kubectl logs -n shop {} -c bulkhead-proxy --tail=2000", lost.name);
    let refusal = shell.until("its sidecar is refused by the CA", &log, |log| {
        let says_so = |line: &&str| line.contains("was revoked") && line.contains("the CA");
        log.lines().rev().find(says_so).map(str::to_owned)
    })?;
    teller.saw(&refusal);
    replaced(teller, scene, &lost.node)
}

/// The node is emptied, and what comes up elsewhere works.
fn replaced(teller: &Teller, scene: &Scene, node: &str) -> Result<()> {
    let shell = &scene.shell;
    shell.types(
        teller,
        &format!("kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --force --timeout=120s"),
    )?;
    shell.ask("kubectl rollout status -n shop deployment/web --timeout=150s && kubectl rollout status -n shop deployment/db --timeout=150s")?;
    let web = Pod::one(shell, "shop", "app=web")?;
    ensure!(web.node != node, "web is still on {node}");
    let fetched = shell
        .until("a replacement of web reaches db", &web.app("fetch db:80 /name"), |printed| Some(printed.to_owned()))?;
    teller.saw(&format!("web on {}: {fetched}", web.node));
    Ok(())
}
