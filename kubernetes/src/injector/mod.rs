//! To come.

use bulkhead_daemon::Stop;

/// Flags.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs until stopped.
pub async fn run(_args: Args, stop: Stop) -> Result<(), std::io::Error> {
    stop.stopped().await;
    Ok(())
}
