//! `bulkhead-kubernetes`: see `bulkhead-kubernetes --help`.

use std::pin::pin;
use std::process::ExitCode;

use bulkhead_daemon::{Stopper, log, signal};
use bulkhead_kubernetes::command::{Cli, Command};
use bulkhead_kubernetes::{controller, hand_over, injector, own_files, still_injected};
use clap::Parser as _;

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bulkhead_kubernetes::report::problem(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    log::start(&cli.log)?;
    // One thread: a cluster makes some pods a second at most, and each costs less than a millisecond here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(cli.command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    let (stopper, stop) = Stopper::new();
    let mut running = pin!(async move {
        match command {
            Command::Injector(args) => injector::run(*args, stop).await.map_err(anyhow::Error::from),
            Command::Controller(args) => controller::run(*args, stop).await.map_err(anyhow::Error::from),
            Command::HandOver(args) => hand_over::run(args).await.map_err(anyhow::Error::from),
            Command::OwnFiles(args) => own_files::run(&args).map_err(anyhow::Error::from),
            Command::StillInjected(args) => still_injected::run(args).await.map_err(anyhow::Error::from),
        }
    });
    tokio::select! {
        ended = &mut running => return ended,
        signalled = signal::stop_on_signal(&stopper) => signalled?,
    }
    running.await
}
