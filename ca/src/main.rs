//! `bulkhead-ca`: see `bulkhead-ca --help`.

mod command;

use std::process::ExitCode;

use bulkhead_ca::{init, serve};
use bulkhead_daemon::{Stopper, SystemClock, log, signal};
use bulkhead_identity::Clock as _;
use clap::Parser as _;

use command::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Init(options) => found(*options).await,
        Command::Serve(options) => run(*options, &arguments.log).await,
    };
    done.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

async fn found(options: command::Init) -> anyhow::Result<()> {
    if options.is_done() {
        command::print_founded_before(options.directory());
        return Ok(());
    }
    let founded = init::run(&options.plan()?, SystemClock::default().now()).await.map_err(command::with_hint)?;
    command::print_founded(&founded, options.output);
    Ok(())
}

async fn run(options: command::Serve, directives: &str) -> anyhow::Result<()> {
    log::start(directives)?;
    let options = options.options().await?;
    let (stopper, stop) = Stopper::new();
    let serving = serve::serve(options, std::sync::Arc::new(SystemClock::default()), stop);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map_err(command::with_hint),
        signalled = signal::stop_on_signal(&stopper) => signalled?,
    }
    serving.await.map_err(command::with_hint)
}

/// The chain of causes, one to a line, and what to do.
#[allow(clippy::print_stderr, reason = "the last word of a program that cannot go on")]
fn report(error: &anyhow::Error) -> ExitCode {
    for (depth, cause) in error.chain().enumerate() {
        let before = if depth == 0 { "error" } else { "because" };
        eprintln!("{before}: {cause}");
    }
    ExitCode::FAILURE
}
