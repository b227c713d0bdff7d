//! How a connection ends for an application: as the other application ended it.

use anyhow::{Result, ensure};
use bulkhead_tests::DEADLINE;

use crate::pair::Pair;

/// What a client of the lab's application says in web about db's port 8081 or 8082.
fn client(pair: &Pair, role: &str, port: u16) -> Result<String> {
    let address = format!("{}:{port}", pair.db.pod().ipv4());
    let ended = pair.web.application()?.args([role, &address]).run(DEADLINE)?.success(role)?;
    Ok(ended.stdout.trim().to_owned())
}

#[test]
fn a_half_closed_connection_still_carries_the_answer() -> Result<()> {
    let pair = Pair::start()?;
    let said = client(&pair, "half-close", 8081)?;
    ensure!(said == "100000 bytes came back", "{said}");
    Ok(())
}

#[test]
fn a_reset_by_the_server_reaches_the_client_as_a_reset() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.db.serve("resets", 8082)?;
    let said = client(&pair, "wait", 8082)?;
    ensure!(said == "saw a reset", "{said}");
    Ok(())
}

#[test]
fn a_reset_by_the_client_reaches_the_server_as_a_reset() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.db.serve("witness", 8082)?;
    client(&pair, "reset", 8082)?;
    pair.db.application_says("saw a reset")
}
