//! The command line: every flag, its environment variable and its documentation.

mod capture;
#[cfg(test)]
mod injected;
mod run;

use clap::{Parser, Subcommand, ValueEnum};

pub use capture::{CaptureCommand, InstallArgs, NamespaceArgs, ShowArgs};
pub use run::RunArgs;

/// The sidecar of one workload: captures its connections, decides on them, encrypts them and forwards them.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-proxy", version = version(), max_term_width = 100)]
#[command(
    after_help = "Example:\n  bulkhead-proxy capture install --netns /run/netns/shop --mesh-cidr 10.77.0.0/16\n  bulkhead-proxy run --ca ca-1.example:8443"
)]
pub struct Cli {
    /// What is logged, e.g. `info` or `bulkhead_proxy=debug`; one JSON line per event, to standard error.
    #[arg(long, global = true, env = "BULKHEAD_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Carries the workload's connections until it gets SIGTERM or SIGINT.
    Run(Box<RunArgs>),
    /// Puts the rules in place that bring the workload's connections here, takes them away, shows them.
    #[command(subcommand)]
    Capture(CaptureCommand),
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// With the build's id, by which the tests refuse a binary that is not theirs.
pub(crate) fn version() -> &'static str {
    bulkhead_daemon::version::text(option_env!("BULKHEAD_BUILD_ID"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_ends_with_an_example() {
        check(&Cli::command());
    }

    fn check(command: &clap::Command) {
        let example = command.get_after_help().is_some_and(|help| help.to_string().starts_with("Example:"));
        assert!(example, "`{}` has no example", command.get_name());
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn what_is_mistyped_is_refused_with_what_was_meant() {
        let error = Cli::try_parse_from(["bulkhead-proxy", "captur"]).unwrap_err();
        assert!(error.to_string().contains("capture"), "{error}");
        let error = Cli::try_parse_from(["bulkhead-proxy", "run", "--ca", "ca.example"]).unwrap_err();
        assert!(error.to_string().contains("host:port"), "{error}");
        let probes = r#"[{"container":"app","kind":"lively","check":{"tcp":{"port":1}},"timeoutSeconds":1}]"#;
        let error = Cli::try_parse_from(["bulkhead-proxy", "run", "--ca", "a:1", "--probes", probes]).unwrap_err();
        assert!(error.to_string().contains("liveness"), "{error}");
    }
}
