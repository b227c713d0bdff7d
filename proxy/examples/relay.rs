//! A plain TCP relay for each end of a connection: the proxy's own copy loop, sockets and threads, and nothing else. No
//! TLS, no identity, no decision, no line in a log. `make bench` measures it to tell what the rest costs.

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use bulkhead_proxy::copy::Counts;
use bulkhead_proxy::plain::copy_plain;
use bulkhead_proxy::socket::{self, Listener, Purpose, Reach};
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// Passes connections on, in clear.
#[derive(Parser)]
#[command(name = "relay", version = bulkhead_daemon::version::text(option_env!("BULKHEAD_BUILD_ID")))]
#[command(after_help = "Example:\n  relay server --application 10.77.2.2:8080")]
struct Cli {
    /// How many threads carry connections.
    #[arg(long, global = true, default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    #[command(subcommand)]
    end: End,
}

#[derive(Clone, Copy, Subcommand)]
enum End {
    /// Takes captured connections and passes them on to port 15008 of the host to which each was going.
    Client,
    /// Takes connections on port 15008 and passes them on to the application.
    Server {
        /// Where the application listens.
        #[arg(long, value_name = "ADDRESS:PORT")]
        application: SocketAddr,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> io::Result<()> {
    // A connection takes two descriptors here as in the proxy, which raises its limit likewise.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let runtime = Builder::new_multi_thread().worker_threads(cli.threads.into()).enable_all().build()?;
    match cli.end {
        End::Client => runtime.block_on(relay(OUTBOUND, Reach::Loopback, to_the_other_end)),
        End::Server { application } => runtime.block_on(relay(BETWEEN, Reach::Everywhere, move |stream| async move {
            Ok((stream, socket::connect_here(application, Purpose::Application).await?))
        })),
    }
}

/// Accepts until the process is killed.
async fn relay<F>(port: u16, reach: Reach, open: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<(TcpStream, TcpStream)>> + Send + 'static,
{
    let mut listener = Listener::bind(port, reach)?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = listener.accept() => drop(connections.spawn(carry(open(stream)))),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, to its end. One that cannot be passed on is closed.
async fn carry(opening: impl Future<Output = io::Result<(TcpStream, TcpStream)>>) {
    if let Ok((client, server)) = opening.await
        && socket::prepare(&client, Purpose::Application).is_ok()
    {
        copy_plain(client, server, Arc::new(Counts::default()), pending::<()>()).await;
    }
}

async fn to_the_other_end(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let mut other = socket::original_destination(&stream)?;
    other.set_port(BETWEEN);
    Ok((stream, socket::connect(other, Purpose::Application).await?))
}

/// Where captured connections arrive.
const OUTBOUND: u16 = 15001;
/// Where the other end listens.
const BETWEEN: u16 = 15008;
