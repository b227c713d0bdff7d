//! What passes, what does not, and what the wire shows of it.

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::until;
use bulkhead_tests::{DEADLINE, was_refused};

use crate::pair::Pair;

#[test]
fn a_request_crosses_the_wire_illegibly_and_only_by_the_tunnel_port() -> Result<()> {
    let pair = Pair::start()?;
    let recording = pair.mesh.lab().capture()?;
    let text = pair.web.curl(&pair.url("/hex"))?;
    let capture = recording.stop()?;
    ensure!(text.len() == 1 << 20, "{} bytes came", text.len());
    ensure!(capture.stretch_of(text.as_bytes(), 32).is_none(), "the text was legible");
    let syns = capture.syns_between(pair.web.pod().ipv4(), pair.db.pod().ipv4());
    ensure!(!syns.is_empty() && syns.iter().all(|syn| syn.to.port() == 15_008), "a SYN went elsewhere");
    Ok(())
}

#[test]
fn each_side_writes_one_line_about_the_connection_with_both_identities_and_the_rule() -> Result<()> {
    let pair = Pair::start()?;
    pair.web.curl(&pair.url("/name"))?;
    for sidecar in [&pair.web, &pair.db] {
        let line = until(DEADLINE, "the connection's line", || {
            let log = sidecar.log();
            let mut lines = log.lines().filter(|line| line.contains("same-label"));
            lines.find(|line| line.contains("ns/shop/sa/web") && line.contains("ns/shop/sa/db")).map(str::to_owned)
        });
        line.with_context(|| sidecar.log())?;
    }
    Ok(())
}

#[test]
fn an_unknown_address_of_the_mesh_is_refused_and_nothing_goes_out_in_clear() -> Result<()> {
    let pair = Pair::start()?;
    let recording = pair.mesh.lab().capture()?;
    let stranger = pair.mesh.lab().host("stranger")?;
    let url = format!("http://{}:8080/unknown-secret-path", stranger.ipv4());
    let curl = pair.web.command("curl").args(["-sS", "--max-time", "10", &url]).run(DEADLINE)?;
    ensure!(was_refused(&curl), "curl ended with {}: {}", curl.status, curl.stderr);
    let capture = recording.stop()?;
    ensure!(!capture.payload_contains(b"unknown-secret-path"), "the request went out in clear");
    ensure!(capture.syns_between(pair.web.pod().ipv4(), stranger.ipv4()).is_empty(), "the stranger was called");
    Ok(())
}

#[test]
fn outside_the_mesh_an_egress_rule_decides() -> Result<()> {
    let pair = Pair::start()?;
    let refused = pair.web.command("curl").args(["-sS", "--max-time", "10", "http://192.0.2.7/"]).run(DEADLINE)?;
    ensure!(was_refused(&refused), "curl ended with {}: {}", refused.status, refused.stderr);
    let line = until(DEADLINE, "the refusal's line", || {
        pair.web.log().lines().find(|line| line.contains("192.0.2.7") && line.contains("egress")).map(str::to_owned)
    });
    line.with_context(|| pair.web.log())?;
    Ok(())
}

#[test]
fn another_label_is_refused_by_the_servers_side_whatever_the_client_does() -> Result<()> {
    let pair = Pair::start()?;
    let node = pair.mesh.node("n3", "restricted:pci")?;
    let ledger = node.workload(pair.mesh.operator(), "ns/pay/sa/ledger", "restricted:pci")?;
    let stolen = pair.web.steal_identity("web")?;
    let address = ledger.pod().ipv4();
    let answer = pair.web.rogue(&["connect", &stolen, &format!("{address}:15008"), &format!("{address}:8080")])?;
    ensure!(answer == "status 401", "ledger's sidecar answered {answer:?}");
    let line = until(DEADLINE, "the refusal's line", || {
        ledger
            .log()
            .lines()
            .find(|line| line.contains("may not reach") && line.contains("restricted:pci"))
            .map(str::to_owned)
    });
    line.with_context(|| ledger.log())?;
    Ok(())
}
