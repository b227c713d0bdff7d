//! What goes on, and what is remembered, while parts are down.

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::until;
use bulkhead_tests::DEADLINE;

use crate::pair::Pair;

#[test]
fn without_the_ca_traffic_goes_on_and_a_restarted_sidecar_keeps_every_cutoff() -> Result<()> {
    let mut pair = Pair::start()?;
    let node = pair.mesh.node("n3", "internal")?;
    let thief = node.workload(pair.mesh.operator(), "ns/shop/sa/web", "internal")?;
    let stolen = thief.steal_identity("thief")?;
    pair.mesh.operator().revoke("n3")?.success("node revoke n3")?;
    // Addresses are answered on demand: what was never asked for is not known when the CA is gone.
    pair.web.curl(&pair.url("/name"))?;
    pair.mesh.stop_ca()?;
    pair.web.curl(&pair.url("/name"))?;
    pair.db.kill_sidecar()?;
    pair.db.start_sidecar()?;
    pair.db.until_ready()?;
    let again = pair.web.curl(&pair.url("/name"));
    again.with_context(|| format!("web's sidecar has logged:\n{}\ndb's:\n{}", pair.web.log(), pair.db.log()))?;
    let db = pair.db.pod().ipv4();
    let answer = pair.web.rogue(&["connect", &stolen, &format!("{db}:15008"), &format!("{db}:8080")])?;
    ensure!(answer.starts_with("refused"), "the revoked instance got {answer:?}");
    Ok(())
}

#[test]
fn a_sidecar_that_started_before_the_ca_works_once_the_ca_is_there() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.mesh.stop_ca()?;
    pair.web.kill_sidecar()?;
    pair.web.forget_state()?;
    pair.web.start_sidecar()?;
    let refused = pair.web.command("curl").args(["-sS", "--max-time", "10", &pair.url("/name")]).run(DEADLINE)?;
    ensure!(!refused.status.success(), "something passed before the sidecar knew any policy: {}", refused.stdout);
    pair.mesh.start_ca()?;
    pair.web.until_ready()?;
    pair.web.curl(&pair.url("/name"))?;
    Ok(())
}

#[test]
fn an_agent_that_restarts_without_the_ca_still_serves_its_workloads() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.mesh.stop_ca()?;
    let ca = pair.mesh.operator().ca().to_owned();
    pair.nodes[1].stop_agent()?;
    pair.nodes[1].start_agent(&ca)?;
    let stolen = until(DEADLINE, "the agent serves db's certificate again", || pair.db.steal_identity("db").ok())?;
    let web = pair.web.pod().ipv4();
    let answer = pair.db.rogue(&["connect", &stolen, &format!("{web}:15008"), &format!("{web}:9")])?;
    ensure!(answer == "status 503", "web's sidecar answered {answer:?}: the certificate is good, nobody listens");
    Ok(())
}

#[test]
fn a_revoked_nodes_restarted_agent_serves_what_it_had_and_peers_refuse_it_all_the_same() -> Result<()> {
    let pair = Pair::start()?;
    let mut node = pair.mesh.node("n3", "internal")?;
    let thief = node.workload(pair.mesh.operator(), "ns/shop/sa/web", "internal")?;
    pair.mesh.operator().revoke("n3")?.success("node revoke n3")?;
    node.stop_agent()?;
    node.start_agent(pair.mesh.operator().ca())?;
    let stolen = until(DEADLINE, "the agent serves what it had", || thief.steal_identity("thief").ok())?;
    let db = pair.db.pod().ipv4();
    let answer = thief.rogue(&["connect", &stolen, &format!("{db}:15008"), &format!("{db}:8080")])?;
    ensure!(answer.starts_with("refused"), "the revoked instance got {answer:?}");
    Ok(())
}

#[test]
fn a_sidecar_killed_under_traffic_lets_nothing_out_in_clear_and_works_again_when_it_is_back() -> Result<()> {
    let mut pair = Pair::start()?;
    let download = pair.web.command("curl").args(["-sS", "-o", "/dev/null", "-D", "-"]);
    let download = download.arg(pair.url("/endless")).spawn("download")?;
    download.wait_for_log("200 OK", DEADLINE)?;
    let recording = pair.mesh.lab().capture()?;
    pair.web.kill_sidecar()?;
    until(DEADLINE, "the download ends", || download.exit_status())?;
    let url = pair.url("/while-the-sidecar-is-dead");
    let refused = pair.web.command("curl").args(["-sS", "--max-time", "10", &url]).run(DEADLINE)?;
    ensure!(!refused.status.success(), "something passed without the sidecar: {}", refused.stdout);
    let capture = recording.stop()?;
    ensure!(!capture.payload_contains(b"while-the-sidecar-is-dead"), "the request went out in clear");
    pair.web.start_sidecar()?;
    pair.web.until_ready()?;
    pair.web.curl(&pair.url("/name"))?;
    Ok(())
}
