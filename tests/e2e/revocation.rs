//! The promise of one second, twenty times.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::until;
use bulkhead_tests::cut::{Measured, measure};
use bulkhead_tests::{DEADLINE, moment_millis};

use crate::pair::Pair;

#[test]
fn a_revoked_nodes_tunnels_carry_no_payload_after_a_second_in_twenty_of_twenty() -> Result<()> {
    let pair = Pair::start()?;
    let mut millis = Vec::new();
    for round in 0..ROUNDS {
        let measured = revoke_one(&pair, round).with_context(|| format!("round {round}"))?;
        millis.push(measured.last_payload.as_secs_f64() * 1000.0);
    }
    let slowest = millis.iter().copied().fold(0.0, f64::max);
    print(&format!("revoke to last payload segment, ms: {millis:.1?}; slowest {slowest:.1}"));
    ensure!(slowest < 1000.0, "the slowest took {slowest} ms");
    pair.web.curl(&pair.url("/name"))?;
    Ok(())
}

#[test]
fn a_removed_workload_loses_its_connections_and_its_certificate_opens_no_tunnel() -> Result<()> {
    let pair = Pair::start()?;
    let stolen = pair.web.steal_identity("web")?;
    let url = pair.url("/endless");
    let curl = pair.web.command("curl").args(["-sS", "-o", "/dev/null", "-D", "-", &url]);
    let download = curl.spawn("download")?;
    download.wait_for_log("200 OK", DEADLINE)?;
    pair.mesh.operator().run(&["workload", "remove", pair.web.instance()])?.success("workload remove")?;
    let ended = until(DEADLINE, "the download ends", || download.exit_status())?;
    ensure!(was_reset_while_reading(ended.code()), "the download ended with {ended}: {}", download.log()?);
    let db = pair.db.pod().ipv4();
    let answer = pair.web.rogue(&["connect", &stolen, &format!("{db}:15008"), &format!("{db}:8080")])?;
    ensure!(answer.starts_with("refused"), "the removed instance got {answer:?}");
    Ok(())
}

/// curl's exit code for a connection that was reset under a download.
fn was_reset_while_reading(code: Option<i32>) -> bool {
    code == Some(56)
}

/// A fresh node with a download under way; every second one is cut off from the CA before it is revoked.
fn revoke_one(pair: &Pair, round: usize) -> Result<Measured> {
    let name = format!("r{round}");
    let node = pair.mesh.node(&name, "internal")?;
    let victim = node.workload(pair.mesh.operator(), "ns/shop/sa/web", "internal")?;
    let curl = victim.command("curl").args(["-sS", "-o", "/dev/null", "-D", "-", &pair.url("/endless")]);
    let recording = pair.mesh.lab().capture()?;
    let download = curl.spawn(&format!("download-{name}"))?;
    download.wait_for_log("200 OK", DEADLINE)?;
    if round % 2 == 1 {
        victim.pod().cut_from(pair.mesh.ca_host())?;
        node.host().cut_from(pair.mesh.ca_host())?;
    }
    let revoked = pair.mesh.operator().json(&["node", "revoke", &name, "--reason", "test", "--wait", "--yes"])?;
    let ended = until(DEADLINE, "the download ends", || download.exit_status())?;
    ensure!(was_reset_while_reading(ended.code()), "the download ended with {ended}: {}", download.log()?);
    let committed = revoked["committed"].as_str().context("the receipt says when it was committed")?;
    let commit = UNIX_EPOCH + Duration::from_millis(moment_millis(committed)?);
    let measured = measure(&recording.stop()?, &[victim.pod().ipv4().into()], commit);
    ensure!(measured.tunnels > 0, "no tunnel of {name} stood at the commit");
    Ok(measured)
}

#[allow(clippy::print_stdout, reason = "the figures are quoted")]
fn print(figures: &str) {
    println!("{figures}");
}

const ROUNDS: usize = 20;
