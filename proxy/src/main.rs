//! `bulkhead-proxy`: see `bulkhead-proxy --help`.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bulkhead_daemon::{Stopper, log, signal};
use bulkhead_proxy::capture::install::{self, CaptureError};
use bulkhead_proxy::command::{CaptureCommand, Cli, Command, RunArgs};
use bulkhead_proxy::print;
use bulkhead_proxy::run::{Proxy, RunError};
use clap::Parser as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    start(Cli::parse()).unwrap_or_else(|error| {
        let capture = error.downcast_ref::<CaptureError>().and_then(CaptureError::hint);
        print::problem(error.as_ref(), capture.or(error.downcast_ref::<RunError>().and_then(RunError::hint)));
        ExitCode::FAILURE
    })
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    log::start(&cli.log)?;
    match cli.command {
        Command::Run(args) => {
            raise_descriptor_limit();
            let runtime = runtime(Builder::new_multi_thread().worker_threads(args.threads()))?;
            let ran = runtime.block_on(run(*args));
            // Dropped, it would wait without a limit for a name that is being looked up: that cannot be cancelled.
            runtime.shutdown_timeout(LEFT_BEHIND);
            ran.map(|()| ExitCode::SUCCESS)
        }
        Command::Capture(command) => Ok(runtime(&mut Builder::new_current_thread())?.block_on(capture(command))?),
    }
}

/// A connection takes two descriptors, and the usual soft limit of 1024 would be all that a stranger has to use up.
fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map(|()| hard));
    match raised {
        Ok(limit) => tracing::debug!(limit, "descriptors that may be open"),
        Err(error) => tracing::warn!(%error, "the limit of open descriptors cannot be raised"),
    }
}

fn runtime(builder: &mut Builder) -> anyhow::Result<Runtime> {
    builder.enable_all().build().context("no runtime")
}

async fn run(args: RunArgs) -> anyhow::Result<()> {
    let proxy = Proxy::open(args.into()).await?;
    let (stopper, stop) = Stopper::new();
    let mut running = pin!(proxy.run(stop));
    tokio::select! {
        failed = &mut running => return Ok(failed?),
        signalled = signal::stop_on_signal(&stopper) => signalled.context("cannot listen for signals")?,
    }
    Ok(running.await?)
}

async fn capture(command: CaptureCommand) -> Result<ExitCode, CaptureError> {
    match command {
        CaptureCommand::Install(args) => {
            let namespace = args.namespace();
            install::install(&args.into(), &namespace).await?;
        }
        CaptureCommand::Remove(args) => install::remove(&args.namespace()).await?,
        CaptureCommand::Show(args) => print::rules(install::show(&args.namespace()).await?.as_deref(), args.output),
        CaptureCommand::Check(args) => {
            let captured = install::show(&args.namespace()).await?.is_some();
            print::captured(captured, args.output);
            return Ok(if captured { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How long the end waits for calls into the system that block.
const LEFT_BEHIND: Duration = Duration::from_secs(1);
