//! `bulkhead-agent`: see `bulkhead-agent --help`.

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bulkhead_agent::args::{Cli, Command, JoinArgs, RunArgs};
use bulkhead_agent::error::AgentError;
use bulkhead_agent::join::join;
use bulkhead_agent::print;
use bulkhead_agent::run::Agent;
use bulkhead_agent::state::StateDirectory;
use bulkhead_daemon::{Stopper, SystemClock, log, signal};
use clap::Parser as _;

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error.downcast_ref::<AgentError>().and_then(AgentError::hint);
            print::problem(error.as_ref(), hint.as_deref());
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    log::start(&cli.log)?;
    // One thread: a host has some tens of workloads, and each asks for a certificate every few hours.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    match cli.command {
        Command::Join(args) => runtime.block_on(join_mesh(args))?,
        Command::Run(args) => runtime.block_on(run(args))?,
    }
    Ok(())
}

async fn join_mesh(args: JoinArgs) -> Result<(), AgentError> {
    let token = args.token_file.read()?;
    let state = StateDirectory::open(&args.state_dir)?;
    let joined = join(&state, &token, Arc::new(SystemClock::default())).await?;
    print::joined(&joined, args.output);
    Ok(())
}

async fn run(args: RunArgs) -> Result<(), AgentError> {
    let agent = Agent::open(args.into(), Arc::new(SystemClock::default())).await?;
    let (stopper, stop) = Stopper::new();
    let mut running = pin!(agent.run(stop));
    tokio::select! {
        failed = &mut running => return Ok(failed?),
        signalled = signal::stop_on_signal(&stopper) => signalled.map_err(AgentError::Signal)?,
    }
    Ok(running.await?)
}
