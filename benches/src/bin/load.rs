//! `bench-load`: see `bench-load --help`.

use std::fs;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use bulkhead_daemon::version;
use bulkhead_measure::load::{self, Held};
use bulkhead_measure::{Order, Sample};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Makes load for `make bench`, and answers it.
#[derive(Debug, Parser)]
#[command(name = "bench-load", version = version::text(option_env!("BULKHEAD_BUILD_ID")))]
#[command(after_help = "Example:\n  bench-load serve 127.0.0.1:8080\n  bench-load drive '{\"work\": {\"ping-pong\": \
    {\"connections\": 32}}, \"target\": \"127.0.0.1:8080\", \"warm_up\": {\"secs\": 0, \"nanos\": 300000000}, \
    \"measured\": {\"secs\": 2, \"nanos\": 0}, \"watch\": [], \"cold\": null}'")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Is the application: serves every kind of work on one port, until it is killed.
    ///
    /// It prints a line with `listening` once clients can come. What a connection is for is told by its first byte: `u`
    /// (bytes are counted and dropped), `d` (bytes are sent), `e` (echo), `o` (echo of 128 bytes, once), `l` (how many
    /// bytes came), or HTTP/1.1 or HTTP/2 without TLS, and gRPC on it. Any other connection is closed.
    Serve {
        /// Where to listen.
        #[arg(value_name = "ADDRESS:PORT")]
        address: SocketAddr,
    },
    /// Is the client: does the work of one order and prints one line of JSON.
    ///
    /// The work is one of `bulk`, `ping-pong`, `connect`, `handshake`, `http`, `grpc` and `idle`. Idle connections are
    /// held, after the line is printed, until SIGTERM, or, where stdin is a pipe, until that is closed; if the other side
    /// has ended some of them by then, that is an error. It ends with 1 and a sentence on stderr where a figure would mean
    /// nothing.
    Drive {
        /// The order.
        #[arg(value_name = "JSON", value_parser = order)]
        order: Box<Order>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve { address } => serve(address).await,
        Command::Drive { order } => drive(&order).await,
    };
    done.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

#[allow(clippy::print_stdout, reason = "whoever started it waits for this line")]
async fn serve(address: SocketAddr) -> Result<()> {
    let listener = load::listen(address)?;
    println!("listening on {}", listener.local_addr()?);
    match load::serve(listener).await {}
}

async fn drive(order: &Order) -> Result<()> {
    let (sample, held) = load::drive(order).await?;
    print(&sample)?;
    if held.is_empty() { Ok(()) } else { hold(&held).await }
}

#[allow(clippy::print_stdout, reason = "this line is what the program is for")]
fn print(sample: &Sample) -> Result<()> {
    println!("{}", serde_json::to_string(sample)?);
    Ok(())
}

async fn hold(held: &Held) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        () = stdin_closed() => {}
    }
    match held.ended() {
        0 => Ok(()),
        ended => bail!("the other side has ended {ended} of {} idle connections", held.len()),
    }
}

/// Whoever starts this without a stdin, as with /dev/null, has not closed it.
async fn stdin_closed() {
    if !fs::metadata("/dev/stdin").is_ok_and(|stdin| stdin.file_type().is_fifo()) {
        return std::future::pending().await;
    }
    let (closed, when_closed) = oneshot::channel();
    // It ends with the process, at the latest.
    std::thread::spawn(move || {
        while matches!(io::stdin().read(&mut [0; 64]), Ok(1..)) {}
        let _ = closed.send(());
    });
    let _ = when_closed.await;
}

fn order(text: &str) -> Result<Box<Order>, serde_json::Error> {
    serde_json::from_str(text)
}

#[allow(clippy::print_stderr, reason = "the last word of a program that cannot go on")]
fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("{error:#}");
    ExitCode::FAILURE
}
