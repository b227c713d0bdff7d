//! The command line: every flag, its environment variable and its documentation.

mod capture;
#[cfg(test)]
mod injected;
mod run;

use std::num::ParseIntError;

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

/// One of a list of ports. An empty text is none, for a variable that is set so that nobody else sets it.
fn port_or_none(text: &str) -> Result<Option<u16>, ParseIntError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::Mode;
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

    /// Of a Service called `bulkhead-tunnel` Kubernetes tells every pod as `BULKHEAD_TUNNEL_PORT=tcp://..`, so what
    /// the injector starts has each of these variables set (`crates/cluster/src/injection/environment.rs`), and its
    /// test has the same list.
    #[test]
    fn variables_that_a_service_could_set_are_those_that_the_injector_sets() {
        let could_be = |name: &str| {
            let of_a_port = name.ends_with("_PORT") || name.contains("_PORT_");
            of_a_port || name.ends_with("_SERVICE_HOST")
        };
        let read = |path: &[&str]| {
            let cli = Cli::command();
            let command = path.iter().fold(&cli, |command, name| command.find_subcommand(name).unwrap());
            let names = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
            let mut names: Vec<_> = names.filter(|name| could_be(name)).map(str::to_owned).collect();
            names.sort();
            names
        };
        let all = ["EXCLUDE_INBOUND", "EXCLUDE_OUTBOUND", "INBOUND", "OUTBOUND", "PROBE", "TUNNEL"];
        let ports = |names: &[&str]| names.iter().map(|name| format!("BULKHEAD_{name}_PORT")).collect::<Vec<_>>();
        assert_eq!(read(&["capture", "install"]), ports(&all));
        assert_eq!(read(&["run"]), ports(&["EXCLUDE_INBOUND", "INBOUND", "OUTBOUND", "TUNNEL"]));
    }

    #[test]
    fn an_empty_list_of_ports_has_none() {
        let excluded = |text: &str| {
            let cli = Cli::try_parse_from(["bulkhead-proxy", "run", "--ca", "a:1", "--exclude-inbound-port", text]);
            cli.map(|cli| match cli.command {
                Command::Run(args) => crate::run::RunConfig::from(*args).excluded,
                Command::Capture(_) => unreachable!("`run` was given"),
            })
        };
        assert_eq!((excluded("").unwrap(), excluded("80,81").unwrap()), (vec![], vec![80, 81]));
        assert!(excluded("tcp://10.96.0.9:80").is_err());
    }

    #[test]
    fn permissive_has_a_date_or_is_not() {
        let mode = |more: &[&str]| {
            let arguments = ["bulkhead-proxy", "run", "--ca", "a:1"].iter().chain(more);
            Cli::try_parse_from(arguments).map(|cli| match cli.command {
                Command::Run(args) => crate::run::RunConfig::from(*args).mode,
                Command::Capture(_) => unreachable!("`run` was given"),
            })
        };
        assert_eq!(mode(&[]).unwrap(), Mode::Strict);
        let until = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(mode(&["--permissive-until", "2027-01-01T00:00:00Z"]).unwrap(), Mode::Permissive { until });
        let error = mode(&["--permissive-until", "for-ever"]).unwrap_err().to_string();
        assert!(error.contains("such as `2027-01-01T00:00:00Z`"), "{error}");
        assert!(mode(&["--permissive-until"]).is_err());
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
