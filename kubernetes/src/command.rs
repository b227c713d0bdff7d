//! The command line: every command; the flags of each stand beside it.

use clap::{Parser, Subcommand};

use crate::{controller, hand_over, injector, own_files, still_injected};

/// Brings the mesh into a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-kubernetes", version = bulkhead_daemon::version::text(option_env!("BULKHEAD_BUILD_ID")), max_term_width = 100)]
pub struct Cli {
    /// What is logged, e.g. `info` or `bulkhead_kubernetes=debug`; one JSON line per event, to standard error.
    #[arg(long, global = true, env = "BULKHEAD_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answers the API server's question what becomes of a new pod, until it gets SIGTERM or SIGINT.
    Injector(Box<injector::Args>),
    /// Tells the CA what stands where in the cluster and looks after what pods need, until it gets SIGTERM or SIGINT.
    Controller(Box<controller::Args>),
    /// Puts what founding an authority has made into Secrets and ConfigMaps.
    HandOver(hand_over::Args),
    /// Copies files so that only their owner may read them.
    OwnFiles(own_files::Args),
    /// Names the pods that run with a sidecar, and fails if there is one.
    StillInjected(still_injected::Args),
}
