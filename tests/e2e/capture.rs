//! Capture, and what is said when it is gone.

use anyhow::{Context as _, Result};
use bulkhead_lab::until;
use bulkhead_tests::DEADLINE;

use crate::pair::Pair;

#[test]
fn capture_flushed_by_hand_loses_readiness_and_is_said_in_the_log() -> Result<()> {
    let pair = Pair::start()?;
    pair.web.pod().command("nft").args(["flush", "ruleset"]).run(DEADLINE)?.success("nft flush ruleset")?;
    until(DEADLINE, "readiness is lost", || match pair.web.readiness() {
        Ok(answer) if answer.contains("capture") => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    let said = until(DEADLINE, "the log says so", || {
        pair.web.log().lines().find(|line| line.contains("capture")).map(str::to_owned)
    });
    said.with_context(|| pair.web.log())?;
    Ok(())
}
