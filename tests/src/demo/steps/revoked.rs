//! Step 5: a node is cut off while it downloads.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::{Process, until};
use serde_json::Value;

use super::{Scene, Teller};
use crate::cut::measure;
use crate::{DEADLINE, Workload};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let recording = scene.mesh.lab().capture()?;
    let download = endless(teller, &scene.web, scene, "n1")?;
    let undisturbed = endless(teller, &scene.other_web, scene, "n2")?;
    let commit = revoke(teller, scene)?;
    dies_by_reset(teller, &download)?;
    let capture = recording.stop()?;
    let pods: [IpAddr; 2] = [scene.web.pod().ipv4().into(), scene.api.pod().ipv4().into()];
    let measured = measure(&capture, &pods, commit);
    ensure!(measured.tunnels > 0, "no tunnel of n1 stood at the commit");
    teller.saw(&format!(
        "from the commit to the last payload segment of {} tunnels: {:.1} ms",
        measured.tunnels,
        measured.last_payload.as_secs_f64() * 1000.0,
    ));
    teller.saw(&format!(
        "apart from them, afterwards: {} attempts to open a tunnel, {} segments between n1's sidecars and the CA",
        measured.later_attempts, measured.with_the_ca
    ));
    ensure!(
        measured.last_payload < Duration::from_secs(1),
        "payload flowed for {:?} after the commit",
        measured.last_payload
    );
    comes_not_back(teller, scene)?;
    ensure!(undisturbed.is_running(), "the download of web on n2 ended as well: {:?}", undisturbed.log());
    teller.saw("web on n2 (same account) downloads on");
    undisturbed.kill();
    Ok(())
}

/// A download that has begun.
fn endless(teller: &Teller, client: &Workload, scene: &Scene, node: &str) -> Result<Process> {
    let url = format!("http://{}:8080/endless", scene.db.pod().ipv4());
    teller.types(&format!("curl {url} &      # in web on {node}"));
    let curl = client.command("curl").args(["-sS", "-o", "/dev/null", "--stderr", "-", "-D", "-", &url]);
    let download = curl.spawn(&format!("download-{node}"))?;
    download.wait_for_log("200 OK", DEADLINE)?;
    Ok(download)
}

fn revoke(teller: &Teller, scene: &Scene) -> Result<SystemTime> {
    let words = ["node", "revoke", "n1", "--reason", "demo", "--wait"];
    teller.types("bulkhead node revoke n1 --reason \"demo\" --wait -o json");
    let receipt: Value = scene.mesh.operator().json(&words)?;
    teller.saw(&serde_json::to_string(&receipt)?);
    ensure!(receipt["receipt"]["complete"] == true, "somebody is silent: {receipt}");
    let committed = receipt["committed"].as_str().context("the receipt says when it was committed")?;
    Ok(UNIX_EPOCH + Duration::from_millis(crate::moment_millis(committed)?))
}

fn dies_by_reset(teller: &Teller, download: &Process) -> Result<()> {
    let ended = until(DEADLINE, "the download of web on n1 ends", || download.exit_status())?;
    teller.saw(download.log()?.lines().last().unwrap_or_default());
    ensure!(ended.code() == Some(56), "the download ended with {ended} instead of a reset");
    Ok(())
}

/// n1 is refused a certificate, and is listed as revoked.
fn comes_not_back(teller: &Teller, scene: &Scene) -> Result<()> {
    let nodes = scene.mesh.operator().json(&["node", "list"])?;
    let revoked = nodes.as_array().into_iter().flatten().any(|node| node["name"] == "n1" && node["state"] == "revoked");
    ensure!(revoked, "n1 is not listed as revoked: {nodes}");
    let refusal = until(DEADLINE, "n1's agent is refused by the CA", || {
        let says_so = |line: &&str| REFUSALS.iter().any(|refusal| line.contains(refusal));
        scene.nodes[0].agent_log().lines().rev().find(says_so).map(str::to_owned)
    });
    let refusal = refusal.with_context(|| format!("the agent of n1 has logged:\n{}", scene.nodes[0].agent_log()))?;
    teller.saw(&format!("n1's agent: {refusal}"));
    Ok(())
}

/// The agent is refused by the record of its node, by the cutoff, or in the handshake, whichever its next word meets.
const REFUSALS: [&str; 3] = ["was revoked", "is cut off", "CertificateRevoked"];
