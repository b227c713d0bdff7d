//! Step: an address goes from one pod to another of a different identity, and nobody takes the one for the other.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let Some(cluster) = &scene.cluster else {
        teller.saw("left out: which address a pod gets is decided by the cluster");
        return Ok(());
    };
    let web = Pod::one(shell, "shop", "app=web")?;
    shell.types(teller, &run("first", "db", &web.node))?;
    let first = ready(scene, "first")?;
    let fetch = web.app(&format!("fetch {}:8080 /name", first.address));
    teller.types(&fetch);
    shell.until("web reaches the first owner", &fetch, |printed| Some(printed.to_owned()))?;
    shell.types(teller, "kubectl delete pod first -n shop --now --wait")?;
    next_address(cluster, &web.node, &first.address)?;
    shell.types(teller, &run("second", "mail", &web.node))?;
    let second = ready(scene, "second")?;
    ensure!(
        second.address == first.address,
        "the address was not used again: {} and {}",
        first.address,
        second.address
    );
    let fetched = shell.until("web reaches the second owner", &fetch, |printed| Some(printed.to_owned()))?;
    teller.saw(&format!("{} is the address of another account now: {fetched}", second.address));
    let line = shell.until(
        "web's sidecar names the second owner",
        &format!("kubectl logs -n shop {} -c bulkhead-proxy --tail=500", web.name),
        |log| {
            let to = |line: &&str| line.contains(&second.address);
            log.lines().rev().find(to).filter(|line| line.contains("ns/shop/sa/mail")).map(str::to_owned)
        },
    )?;
    teller.saw(&line);
    shell.ask("kubectl delete pod second -n shop --now").map(drop)
}

/// Lets the node give this address to its next pod: it gives the one after the last that it gave.
fn next_address(cluster: &Path, node: &str, address: &str) -> Result<()> {
    let next: Ipv4Addr = address.parse().with_context(|| format!("`{address}` is no IPv4 address"))?;
    let last = Ipv4Addr::from(u32::from(next) - 1);
    let file = cluster.join(node).join("cni/networks/pods/last_reserved_ip.0");
    fs::write(&file, last.to_string()).with_context(|| format!("cannot write {}", file.display()))
}

fn run(name: &str, account: &str, node: &str) -> String {
    let spec = format!(
        r#"{{"spec": {{"serviceAccountName": "{account}", "nodeName": "{node}", "terminationGracePeriodSeconds": 1}}}}"#
    );
    format!(
        "kubectl run {name} -n shop --image=localhost/bulkhead/app:0.1.0 --overrides='{spec}' --override-type=strategic --command -- /lab-app files 0.0.0.0:8080"
    )
}

fn ready(scene: &Scene, name: &str) -> Result<Pod> {
    scene.shell.ask(&format!("kubectl wait -n shop --for=condition=Ready pod/{name} --timeout=90s"))?;
    Pod::one(&scene.shell, "shop", &format!("run={name}"))
}
