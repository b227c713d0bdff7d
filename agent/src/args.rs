//! The command line: every flag, its environment variable and its documentation, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon::version;
use bulkhead_mesh::{NodeName, TrustDomain};
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::attestation::Attestation;
use crate::run::RunConfig;
use crate::token::TokenSource;
use crate::workload_api::Limits;

/// One per host: holds the node's identity and hands certificates to the workloads of that host.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-agent", version = version::text(option_env!("BULKHEAD_BUILD_ID")), max_term_width = 100)]
#[command(
    after_help = "Example:\n  bulkhead token create --node n1 --clearance confidential --out n1.token\n  bulkhead-agent join --token-file n1.token\n  bulkhead-agent run"
)]
pub struct Cli {
    /// What is logged, e.g. `info` or `bulkhead_agent=debug`; one JSON line per event, to standard error.
    #[arg(long, global = true, env = "BULKHEAD_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turns a join token into this node's identity.
    Join(JoinArgs),
    /// Serves the workloads of this node until it gets SIGTERM or SIGINT.
    Run(RunArgs),
}

/// Turns a join token into this node's identity.
///
/// The node's key is made here and never leaves; the CA must prove itself under the token's roots before the token or
/// anything else is sent. When the answer is lost, run the same command again. An identity that is there already is
/// replaced only by a token for the same node, as after a revocation.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bulkhead-agent join --token-file n1.token")]
pub struct JoinArgs {
    /// The file that holds the join token, or `-` for standard input. A token is a secret: it is never an argument.
    #[arg(long, env = "BULKHEAD_TOKEN_FILE", value_name = "FILE")]
    pub token_file: TokenSource,
    /// Where this node's identity is kept.
    #[arg(long, env = "BULKHEAD_STATE_DIR", default_value = DEFAULT_STATE, value_name = "DIRECTORY")]
    pub state_dir: PathBuf,
    /// How the outcome is printed.
    #[arg(short, long, env = "BULKHEAD_OUTPUT", value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub output: Format,
}

/// Serves the workloads of this node until it gets SIGTERM or SIGINT.
///
/// Keeps the node's certificate fresh, follows the CA's stream of registrations, keeps one certificate per
/// registration, and serves the SPIFFE Workload API on `<socket-dir>/<registration>/api.sock`, each for the user and the group of the
/// registration alone. Without the CA it serves what it has until each certificate ends.
///
/// As a pod of a DaemonSet it joins by itself: with `--pod-token` a state directory without an identity is no error.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bulkhead-agent run --ca ca-1.prod.example:15010 --ca ca-2.prod.example:15010")]
pub struct RunArgs {
    /// Where `join` has left this node's identity.
    #[arg(long, env = "BULKHEAD_STATE_DIR", default_value = DEFAULT_STATE, value_name = "DIRECTORY")]
    pub state_dir: PathBuf,
    /// Where the workloads' sockets are made; at most 65 bytes long. Bind `<socket-dir>/<registration>` into the
    /// workload's mount namespace; the directory stays the same through restarts of the agent.
    #[arg(long, env = "BULKHEAD_SOCKET_DIR", default_value = "/run/bulkhead/workloads", value_name = "DIRECTORY")]
    pub socket_dir: PathBuf,
    /// Where the CA answers, instead of where the join token said; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_CA", value_delimiter = ',', value_name = "HOST:PORT", value_parser = ca_address)]
    pub ca: Vec<String>,
    /// The file of the agent's own projected service account token, for the CA's audience: by it the node joins when the
    /// state directory holds no identity, and again when the CA takes its certificate no more. Read afresh each time.
    /// Needs `--roots`, `--trust-domain`, `--node` and `--ca`.
    #[arg(long, env = "BULKHEAD_POD_TOKEN", requires_all = ["roots", "trust_domain", "node", "ca"], value_name = "FILE")]
    pub pod_token: Option<PathBuf>,
    /// The PEM file of the mesh's roots, under which the CA must prove itself before the token is sent.
    #[arg(long, env = "BULKHEAD_ROOTS", requires = "pod_token", value_name = "FILE")]
    pub roots: Option<PathBuf>,
    /// The trust domain for which these roots vouch.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN", requires = "pod_token", value_name = "NAME")]
    pub trust_domain: Option<TrustDomain>,
    /// The node on which the agent's pod runs; the CA compares it with what the cluster says.
    #[arg(long, env = "BULKHEAD_NODE", requires = "pod_token", value_name = "NAME")]
    pub node: Option<NodeName>,
    /// Where `/live`, `/ready` and `/metrics` are answered; a loopback address, unless `--expose-admin` says otherwise.
    #[arg(long, env = "BULKHEAD_ADMIN", default_value = "127.0.0.1:15020", value_name = "ADDRESS:PORT")]
    pub admin: SocketAddr,
    /// Takes any address for `--admin`: everybody who reaches it reads state and metrics, without a password.
    #[arg(long, env = "BULKHEAD_EXPOSE_ADMIN")]
    pub expose_admin: bool,
    /// How many connections one workload's socket takes at a time; one more is closed at once.
    #[arg(long, env = "BULKHEAD_MAX_CONNECTIONS", default_value_t = Limits::default().connections, value_name = "NUMBER", value_parser = positive)]
    pub max_connections: usize,
    /// How many streams one connection of a workload takes at a time; further ones wait.
    #[arg(long, env = "BULKHEAD_MAX_STREAMS", default_value_t = Limits::default().streams, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,
    /// For how many seconds a workload's call waits for the first certificate before it is told to come again.
    #[arg(long, env = "BULKHEAD_PATIENCE", default_value_t = Limits::default().patience.as_secs(), value_name = "SECONDS")]
    pub patience: u64,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A sentence.
    #[value(alias = "table")] // What the operator's command calls its form for people, under the same variable.
    Text,
    /// One JSON object.
    Json,
}

impl From<RunArgs> for RunConfig {
    fn from(args: RunArgs) -> Self {
        Self {
            attestation: attestation(&args),
            state_directory: args.state_dir,
            socket_directory: args.socket_dir,
            ca_addresses: (!args.ca.is_empty()).then_some(args.ca),
            admin: args.admin,
            expose_admin: args.expose_admin,
            limits: Limits {
                connections: args.max_connections,
                streams: args.max_streams,
                patience: Duration::from_secs(args.patience),
            },
        }
    }
}

/// The parser has seen to it that the flags of the token come together.
fn attestation(args: &RunArgs) -> Option<Attestation> {
    let (token, roots) = (args.pod_token.as_ref()?, args.roots.as_ref()?);
    Some(Attestation {
        token: TokenFile::new(token),
        roots: RootsFile::new(roots, args.trust_domain.clone()?),
        node: args.node.clone()?,
        ca_addresses: args.ca.clone(),
    })
}

fn ca_address(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| "not `host:port`".into())
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "not a number from 1 up".into())
}

const DEFAULT_STATE: &str = "/var/lib/bulkhead-agent";
