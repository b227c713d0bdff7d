//! The command line: flags, their environment variables, and what they mean.

mod cluster;
mod hint;
mod init;
mod serve;
mod unseal;

use clap::{Parser, Subcommand};

pub(crate) use hint::with_hint;
pub(crate) use init::{Init, print_founded, print_founded_before};
pub(crate) use serve::Serve;

/// The node-identity CA of a Bulkhead mesh: admits nodes, issues and revokes certificates, tells the proxies what is
/// true.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-ca", version = bulkhead_daemon::version::text(option_env!("BULKHEAD_BUILD_ID")), after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What to log to standard error, e.g. `info` or `warn,bulkhead_ca=debug`.
    #[arg(long, global = true, env = "BULKHEAD_LOG", default_value = "info")]
    pub(crate) log: String,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found a new authority: root, intermediates, first operator, first records. Once per mesh.
    #[command(
        after_help = "Example: bulkhead-ca init --trust-domain prod.example --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal"
    )]
    Init(Box<Init>),
    /// Serve nodes, proxies and operators until told to stop.
    #[command(
        after_help = "Example: bulkhead-ca serve --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal --listen 10.0.0.5:15010 --address ca.prod.example:15010"
    )]
    Serve(Box<Serve>),
}

const EXAMPLE: &str = "Examples:\n  bulkhead-ca init --trust-domain prod.example --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal\n  bulkhead-ca serve --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal";
