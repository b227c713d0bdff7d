//! What can be typed.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::node::NodeCommand;
use crate::policy::PolicyCommand;
use crate::print::Output;
use crate::service::ServiceCommand;
use crate::text::CaAddress;
use crate::token::TokenCommand;
use crate::workload::WorkloadCommand;

/// Commands a Bulkhead mesh: its nodes, join tokens, workloads, services and policy.
#[derive(Debug, Parser)]
#[command(name = "bulkhead", version = VERSION.as_str(), max_term_width = 100, after_help = AFTER_HELP)]
pub struct Args {
    /// How to reach the CA.
    #[command(flatten)]
    pub connection: Connection,

    /// How to print what the CA answers.
    #[arg(long, short, global = true, help_heading = GLOBAL, value_enum, default_value_t)]
    #[arg(env = "BULKHEAD_OUTPUT", hide_env_values = true)]
    pub output: Output,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to reach the CA, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Connection {
    /// Where the CA answers; several are tried in turn.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "HOST:PORT", value_delimiter = ',')]
    #[arg(env = "BULKHEAD_CA", hide_env_values = true)]
    pub ca: Vec<CaAddress>,

    /// The operator's key and certificate, as `bulkhead-ca init` writes them.
    ///
    /// Left out: `$XDG_CONFIG_HOME/bulkhead/operator.pem`, `~/.config/bulkhead/operator.pem`,
    /// `/etc/bulkhead/operator.pem`, whichever is there first.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    #[arg(env = "BULKHEAD_IDENTITY", hide_env_values = true)]
    pub identity: Option<PathBuf>,

    /// The root certificates that the CA must prove itself by.
    ///
    /// Left out: `root.pem` beside the operator's key, or `/etc/bulkhead/root.pem`.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    #[arg(env = "BULKHEAD_ROOTS", hide_env_values = true)]
    pub roots: Option<PathBuf>,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists, shows and revokes nodes.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Makes the secret that admits a node.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Says which workload stands on which node.
    #[command(subcommand)]
    Workload(WorkloadCommand),
    /// Gives workloads a virtual address.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Says who may talk to whom.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Shows how the CA is.
    #[command(after_help = "Example:\n  bulkhead --ca ca.prod.example:15010 status")]
    Status,
}

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let build = option_env!("BULKHEAD_BUILD_ID").unwrap_or("unset");
    format!("{} (build {build})", env!("CARGO_PKG_VERSION"))
});

const GLOBAL: &str = "Global options";

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  the CA refused, or something on this side failed
  2  the command was mistyped; nothing was asked of the CA
  3  revoked, but at the deadline not everybody was known to enforce it
  4  the CA was not reached or did not answer, or there is no usable key

Data goes to stdout, everything else to stderr.

Example:
  bulkhead --ca ca.prod.example:15010 node list";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn what_can_be_typed_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_ends_its_help_with_an_example() {
        fn check(command: &mut clap::Command) {
            if !command.has_subcommands() {
                let help = command.render_long_help().to_string();
                let last = help.trim_end().lines().last().unwrap_or_default();
                assert!(help.contains("\nExample:\n  ") && last.starts_with("  "), "{help}");
            }
            command.get_subcommands_mut().for_each(check);
        }
        check(&mut Args::command());
    }

    #[test]
    fn the_help_says_what_each_exit_code_means() {
        let help = Args::command().render_help().to_string();
        for code in 0..=4 {
            assert!(help.contains(&format!("\n  {code}  ")), "{help}");
        }
    }

    #[test]
    fn several_addresses_of_the_ca_can_be_given() {
        let args = Args::parse_from(["bulkhead", "status", "--ca", "a:1,[::1]:2", "--ca", "b:3"]);
        let given: Vec<_> = args.connection.ca.iter().map(ToString::to_string).collect();
        assert_eq!(given, ["a:1", "[::1]:2", "b:3"]);
    }
}
