//! Step 3: another label is refused at once by the client's side, and by the server's side when the client has none.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::until;

use super::{Scene, Teller};
use crate::{DEADLINE, Workload, was_reset};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    by_the_client(teller, scene)?;
    by_the_server(teller, scene)
}

fn by_the_client(teller: &Teller, scene: &Scene) -> Result<()> {
    let url = format!("http://{}:8080/name", scene.ledger.pod().ipv4());
    teller.types(&format!("curl {url}            # in web on n1; ledger is `restricted:pci`"));
    let begun = Instant::now();
    let curl =
        scene.web.command("curl").args(["-sS", "--max-time", "10", "-w", "%{time_total}", &url]).run(DEADLINE)?;
    teller.saw(&format!("{} after {} ms", curl.stderr.trim(), begun.elapsed().as_millis()));
    ensure!(was_reset(&curl), "curl ended with {} instead of a reset", curl.status);
    let seconds: f64 = curl.stdout.trim().parse().context("curl says how long it took")?;
    ensure!(seconds < 1.0, "it took {seconds} s: a timeout, not a refusal");
    teller.saw(&line_with(&scene.web, "restricted:pci")?);
    Ok(())
}

fn by_the_server(teller: &Teller, scene: &Scene) -> Result<()> {
    let stolen = scene.web.steal_identity("web-on-n1")?;
    let ledger = scene.ledger.pod().ipv4();
    let (to, authority) = (format!("{ledger}:15008"), format!("{ledger}:8080"));
    teller.types(&format!("lab-rogue connect web-on-n1.pem {to} {authority}      # no check on the client's side"));
    let answer = scene.web.rogue(&["connect", &stolen, &to, &authority])?;
    teller.saw(&answer);
    ensure!(answer == "status 401", "ledger's sidecar answered {answer:?}");
    teller.saw(&line_with(&scene.ledger, "restricted:pci")?);
    Ok(())
}

/// The line in which a sidecar says whom it refused, and by which rule.
fn line_with(workload: &Workload, text: &str) -> Result<String> {
    let seen = until(DEADLINE, "the sidecar's log line names the rule", || {
        workload.log().lines().find(|line| line.contains("may not reach") && line.contains(text)).map(str::to_owned)
    });
    seen.with_context(|| format!("the sidecar has logged:\n{}", workload.log()))
}
