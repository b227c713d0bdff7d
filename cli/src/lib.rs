//! The operator's command: one call to the CA's Admin service, and its answer for people or for programs.
//!
//! A command is one file; it speaks to the CA through [`client`], which alone knows protobuf, and shows what it got
//! through [`mod@print`]. Data goes to stdout, everything else to stderr, and the exit code is one of [`Exit`].

pub mod args;
pub mod client;
pub mod error;
pub mod exit;
pub mod identity;
pub mod near;
pub mod node;
pub mod policy;
pub mod print;
pub mod record;
pub mod service;
pub mod session;
pub mod status;
pub mod text;
pub mod token;
pub mod workload;

use clap::Parser;

pub use args::{Args, Command};
pub use error::CliError;
pub use exit::Exit;
use session::Session;

/// Runs the command that was typed.
pub fn main() -> Exit {
    let Args { connection, output, command } = Args::parse();
    match run(command, &Session::new(connection, output)) {
        Ok(exit) => exit,
        Err(error) => {
            print::error(&error);
            error.exit()
        }
    }
}

fn run(command: Command, session: &Session) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    runtime.block_on(async {
        match command {
            Command::Node(command) => command.run(session).await,
            Command::Token(command) => command.run(session).await,
            Command::Workload(command) => command.run(session).await,
            Command::Service(command) => command.run(session).await,
            Command::Policy(command) => command.run(session).await,
            Command::Status => status::run(session).await,
        }
    })
}
