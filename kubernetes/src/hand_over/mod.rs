//! To come.

/// Flags.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Puts everything where it belongs.
pub async fn run(_args: Args) -> Result<(), std::io::Error> {
    std::future::ready(Ok(())).await
}
