//! One revocation, and what the receipt and the wire say of it.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use bulkhead_tests::cut::{Measured, measure};
use bulkhead_tests::moment_millis;
use serde::Deserialize;

use super::crowd::Crowd;
use super::victim::Victim;
use crate::result::{Measure, Outcome};

/// Revokes a fresh node from which every real sidecar downloads.
pub(super) fn revoke(crowd: &Crowd, round: u32) -> Result<Outcome> {
    // The victim's own sidecar watches as well, until it is cut off; the receipt does not count it.
    crowd.until_all_watch(crowd.size.proxies)?;
    let victim = Victim::connect(crowd, round)?;
    crowd.until_all_watch(crowd.size.proxies + 1)?;
    let recording = crowd.mesh.lab().capture()?;
    victim.check()?;
    let revocation = command(crowd, victim.name())?;
    victim.until_cut()?;
    let commit = UNIX_EPOCH + Duration::from_millis(moment_millis(&revocation.committed)?);
    let measured = measure(&recording.stop()?, &victim.addresses(), commit);
    Ok(judge(&revocation, &measured, crowd.size.real))
}

/// What `bulkhead node revoke --wait -o json` prints, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Revocation {
    committed: String,
    receipt: Option<Receipt>,
}

#[derive(Debug, Deserialize)]
struct Receipt {
    expected: u32,
    enforced: u32,
    elapsed_millis: u64,
    complete: bool,
}

/// The command ends with 3 where somebody is silent, and prints the receipt all the same.
fn command(crowd: &Crowd, node: &str) -> Result<Revocation> {
    let words = ["node", "revoke", node, "--reason", "bench", "--wait", "--timeout", "30s", "--yes", "-o", "json"];
    let ended = crowd.mesh.operator().command(&words).run(PATIENCE)?;
    serde_json::from_str(&ended.stdout).with_context(|| format!("`node revoke` said {}", ended.stderr.trim()))
}

fn judge(revocation: &Revocation, measured: &Measured, real: u32) -> Outcome {
    let Some(Receipt { expected, enforced, elapsed_millis, complete }) = revocation.receipt else {
        return Outcome::Failed("the revocation stands, but no receipt came".to_owned());
    };
    if !complete {
        return Outcome::Failed(format!("after 30 s {enforced} of {expected} proxies enforced the revocation"));
    }
    if measured.tunnels < usize::try_from(real).unwrap_or(usize::MAX) {
        let tunnels = measured.tunnels;
        return Outcome::Failed(format!(
            "{tunnels} tunnels of the node stood at the commit, not one for each of {real}"
        ));
    }
    Outcome::Measured(BTreeMap::from([
        (Measure::MillisToAcknowledgement, millis(Duration::from_millis(elapsed_millis))),
        (Measure::MillisToLastPayload, millis(measured.last_payload)),
        (Measure::ProxiesExpected, expected.into()),
        (Measure::ProxiesEnforced, enforced.into()),
    ]))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// For the command, whose own wait is 30 s.
const PATIENCE: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    fn revocation(receipt: &str) -> Revocation {
        serde_json::from_str(&format!(
            r#"{{"node":"n1","epoch":1,"committed":"2026-11-24T17:36:52.000Z","position":{{}},"receipt":{receipt}}}"#
        ))
        .unwrap()
    }

    fn measured(tunnels: usize) -> Measured {
        let last_payload = Duration::from_micros(1500);
        Measured { tunnels, last_payload, later_attempts: 0, with_the_ca: 0 }
    }

    const COMPLETE: &str =
        r#"{"expected":12,"enforced":12,"elapsed_millis":7,"connections_closed":2,"complete":true,"silent":[]}"#;

    #[test]
    fn a_complete_receipt_is_four_figures() {
        let Outcome::Measured(figures) = judge(&revocation(COMPLETE), &measured(2), 2) else { panic!("it failed") };
        assert_eq!(figures.into_values().collect::<Vec<_>>(), [7.0, 1.5, 12.0, 12.0]);
    }

    #[test]
    fn without_a_whole_receipt_or_a_tunnel_for_each_sidecar_it_is_a_sentence() {
        let incomplete = COMPLETE.replace("true", "false").replace("\"enforced\":12", "\"enforced\":11");
        for (receipt, tunnels, sentence) in
            [("null", 2, "no receipt"), (&incomplete[..], 2, "11 of 12"), (COMPLETE, 1, "1 tunnels")]
        {
            let outcome = judge(&revocation(receipt), &measured(tunnels), 2);
            assert!(matches!(&outcome, Outcome::Failed(said) if said.contains(sentence)), "{outcome:?}");
        }
    }
}
