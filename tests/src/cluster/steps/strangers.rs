//! Step: pods without a sidecar, as root and with raw sockets, get nowhere; and nobody in the mesh speaks to them in clear.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::steps::shop::apart;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    shell.types(teller, "kubectl apply -f strangers.yaml")?;
    shell.ask("kubectl wait -n outside --for=condition=Ready pod --all --timeout=90s")?;
    let (web, db) = apart(scene)?;
    let (stranger, bystander) =
        (Pod::one(shell, "outside", "app=stranger")?, Pod::one(shell, "outside", "app=bystander")?);
    let refused = shell.fails(&tell(teller, &stranger.app(&format!("fetch {}:8080 /name", db.address))))?;
    teller.saw(refused.lines().next().unwrap_or_default());
    let line = line_of(scene, &db, &stranger.address)?;
    ensure!(line.contains("without a certificate"), "db's sidecar says something else: {line}");
    teller.saw(&line);
    let refused = shell.fails(&tell(teller, &web.app(&format!("fetch {}:8080 /name", bystander.address))))?;
    teller.saw(refused.lines().next().unwrap_or_default());
    let line = line_of(scene, &web, &bystander.address)?;
    ensure!(line.contains("to: unauthenticated"), "web's sidecar names no rule: {line}");
    teller.saw(&line);
    let fetched = shell.types(teller, &stranger.app(&format!("fetch {}:8080 /name", bystander.address)))?;
    teller.saw(&format!("strangers among themselves: {fetched}"));
    Ok(())
}

fn tell(teller: &Teller, command: &str) -> String {
    teller.types(command);
    command.to_owned()
}

fn line_of(scene: &Scene, pod: &Pod, words: &str) -> Result<String> {
    let command = format!("kubectl logs -n {} {} -c bulkhead-proxy --tail=500", pod.namespace, pod.name);
    scene.shell.until(&format!("the sidecar of {} tells of {words}", pod.name), &command, |log| {
        log.lines().rev().find(|line| line.contains(words)).map(str::to_owned)
    })
}
