//! Step: what web reaches, and what stands on the wire meanwhile.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bulkhead_lab::capture::{Capture, Packet};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::steps::shop::apart;
use crate::cluster::wire::Recording;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let recording = scene.cluster.as_deref().map(Recording::begin).transpose()?;
    let (web, db) = apart(scene)?;
    let store = Pod::all(shell, "shop", "app=store")?.into_iter().find(|pod| pod.node != web.node);
    let store = store.map_or_else(|| "store-0.store".to_owned(), |pod| format!("{}.store", pod.name));
    for target in [
        format!("{}:8080", db.address),
        "db:80".to_owned(),
        "db.shop.svc.cluster.local:80".to_owned(),
        format!("{store}:8080"),
    ] {
        let command = web.app(&format!("fetch {target} /hex"));
        teller.types(&command);
        let fetched = shell.until(&format!("web fetches from {target}"), &command, |printed| {
            printed.starts_with("1048576 bytes").then(|| printed.to_owned())
        })?;
        teller.saw(&fetched.chars().take(40).collect::<String>());
    }
    let line = shell.until(
        "db's sidecar tells of it",
        &format!("kubectl logs -n shop {} -c bulkhead-proxy --tail=500", db.name),
        |log| log.lines().rev().find(|line| line.contains("ns/shop/sa/web")).map(str::to_owned),
    )?;
    teller.saw(&line);
    other_label(teller, scene, &web)?;
    let Some(recording) = recording else { return Ok(()) };
    let capture = recording.so_far()?;
    let pods = Pod::all(shell, "shop", "app")?;
    let clear = in_clear(&capture, &pods.iter().map(|pod| pod.address.as_str()).collect::<Vec<_>>());
    ensure!(clear.is_empty(), "in clear between the nodes: {clear:?}");
    ensure!(!capture.payload_contains(b"HTTP/1.1"), "HTTP is legible on the wire");
    teller.saw(
        "on the wire between the nodes: tunnels on port 15008, DNS, words with the CA, and nothing else of these pods",
    );
    Ok(())
}

/// ledger is `restricted:pci` and web is not: refused by both sides.
fn other_label(teller: &Teller, scene: &Scene, web: &Pod) -> Result<()> {
    let command = web.app("fetch ledger.pay:80 /hex");
    teller.types(&command);
    let refused = scene.shell.fails(&command)?;
    teller.saw(refused.lines().next().unwrap_or_default());
    let line = scene.shell.until(
        "web's sidecar says why",
        &format!("kubectl logs -n shop {} -c bulkhead-proxy --tail=500", web.name),
        |log| log.lines().rev().find(|line| line.contains("restricted:pci")).map(str::to_owned),
    )?;
    teller.saw(&line);
    Ok(())
}

/// What these addresses sent or were sent that is neither a tunnel, nor DNS, nor for the CA.
fn in_clear(capture: &Capture, pods: &[&str]) -> Vec<String> {
    let is_pod = |end: SocketAddr| pods.contains(&end.ip().to_string().as_str());
    let ours = |packet: &&Packet| !packet.payload.is_empty() && (is_pod(packet.from) || is_pod(packet.to));
    let is_known = |port: u16| [TUNNEL, DNS, CA].contains(&port);
    let others = capture.packets().iter().filter(ours);
    let others = others.filter(|packet| !is_known(packet.from.port()) && !is_known(packet.to.port()));
    others.map(|packet| format!("{} -> {}", packet.from, packet.to)).collect()
}

const TUNNEL: u16 = 15_008;
const DNS: u16 = 53;
const CA: u16 = 15_010;
