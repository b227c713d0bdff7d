//! The command line: flags, their environment variables, and what they mean.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_ca::ca::{Settings, WatchLimits};
use bulkhead_ca::init::{Founded, InitError, OPERATOR_LIFETIME, Plan};
use bulkhead_ca::seal::Unsealer;
use bulkhead_ca::serve::{Options, ServeError, StrangerLimits};
use bulkhead_mesh::policy::Period;
use bulkhead_mesh::{OperatorName, TrustDomain};
use bulkhead_protocol::transport::AcceptLimits;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    Init(Init),
    /// Serve nodes, proxies and operators until told to stop.
    #[command(
        after_help = "Example: bulkhead-ca serve --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal --listen 10.0.0.5:15010 --address ca.prod.example:15010"
    )]
    Serve(Serve),
}

/// How the keys are opened.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Unseal {
    /// A file with 32 random bytes that opens the keys, readable by its owner only; `init` makes it if it is missing.
    #[arg(long, env = "BULKHEAD_UNSEAL_FILE", value_name = "FILE")]
    unseal_file: Option<PathBuf>,
    /// A file with the passphrase that opens the keys, or `-` for standard input. Never an argument.
    #[arg(long, env = "BULKHEAD_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Flags of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The mesh's trust domain, e.g. `prod.example`; it stands in every certificate and never changes.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN")]
    trust_domain: TrustDomain,
    /// The directory to make; it must not exist or be empty.
    #[arg(long, env = "BULKHEAD_CA_DIR", value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    /// The name of the first operator, who gets the role `owner`.
    #[arg(long, default_value = "admin", value_name = "NAME")]
    operator: OperatorName,
    /// Where to write the operator's key and certificate; by default below the directory.
    #[arg(long, value_name = "FILE")]
    operator_file: Option<PathBuf>,
    /// How long the operator's certificate lives, e.g. `90d`.
    #[arg(long, default_value_t = Period::from_secs(OPERATOR_LIFETIME.as_secs()))]
    operator_lifetime: Period,
    /// How to print what was made.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The directory that `init` made.
    #[arg(long, env = "BULKHEAD_CA_DIR", value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    /// Where nodes, proxies and operators reach the CA.
    #[arg(long, env = "BULKHEAD_CA_LISTEN", default_value = "0.0.0.0:15010")]
    listen: SocketAddr,
    /// `host:port` by which nodes find this CA; goes into join tokens. By default what it listens on.
    #[arg(long, env = "BULKHEAD_CA_ADDRESS", value_delimiter = ',', value_name = "HOST:PORT")]
    address: Vec<String>,
    /// The loopback port with /live, /ready and /metrics.
    #[arg(long, env = "BULKHEAD_CA_ADMIN", default_value = "127.0.0.1:15011")]
    admin: SocketAddr,
    /// How long a node's certificate lives.
    #[arg(long, env = "BULKHEAD_NODE_LIFETIME", default_value = "7d")]
    node_lifetime: Period,
    /// How long after its end a node's certificate may still be renewed.
    #[arg(long, env = "BULKHEAD_RENEWAL_GRACE", default_value = "7d")]
    renewal_grace: Period,
    /// How long a peer may take for its TLS handshake.
    #[arg(long, env = "BULKHEAD_HANDSHAKE_TIMEOUT", default_value = "10s")]
    handshake_timeout: Period,
    /// How many handshakes may be under way at once.
    #[arg(long, env = "BULKHEAD_HANDSHAKES", default_value_t = 256)]
    handshakes: usize,
    /// How many connections may stand whose peer has shown no certificate; a further one is closed.
    #[arg(long, env = "BULKHEAD_STRANGERS", default_value_t = 256)]
    strangers: usize,
    /// How long such a connection may stand: time for a node to join.
    #[arg(long, env = "BULKHEAD_STRANGER_AGE", default_value = "30s")]
    stranger_age: Period,
    /// How long a watcher may take to introduce itself.
    #[arg(long, env = "BULKHEAD_HELLO_TIMEOUT", default_value = "10s")]
    hello_timeout: Period,
    /// How long a watcher may leave a message unread before its stream is ended.
    #[arg(long, env = "BULKHEAD_WATCH_SEND_TIMEOUT", default_value = "30s")]
    watch_send_timeout: Period,
    /// How many addresses one watcher may use at a time.
    #[arg(long, env = "BULKHEAD_WATCH_ADDRESSES", default_value_t = WatchLimits::default().addresses)]
    watch_addresses: usize,
    /// How long calls under way may take to end once the CA is stopped.
    #[arg(long, env = "BULKHEAD_DRAIN", default_value = "5s")]
    drain: Period,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl Unseal {
    /// Reads what opens the keys.
    fn read(&self) -> anyhow::Result<Unsealer> {
        let opened = match (&self.unseal_file, &self.passphrase_file) {
            (Some(file), _) => Unsealer::read_unseal_file(file),
            (None, Some(file)) if file == Path::new("-") => Unsealer::read_passphrase(io::stdin()),
            (None, Some(file)) => Unsealer::read_passphrase_file(file),
            (None, None) => anyhow::bail!("`--unseal-file` or `--passphrase-file` must say how the keys are opened"),
        };
        opened.map_err(with_hint)
    }

    /// The same, but makes a missing unseal file.
    fn read_or_create(&self) -> anyhow::Result<Unsealer> {
        match &self.unseal_file {
            Some(file) if File::open(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) => {
                Unsealer::create_unseal_file(file, bulkhead_ca::dice::random()?).map_err(with_hint)
            }
            _ => self.read(),
        }
    }
}

impl Init {
    /// What was asked for, with the keys' opener read or made.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        Ok(Plan {
            trust_domain: self.trust_domain.clone(),
            directory: self.dir.clone(),
            unsealer: self.unseal.read_or_create()?,
            root_unsealer: None,
            operator: self.operator.clone(),
            operator_file: self.operator_file.clone(),
            operator_lifetime: self.operator_lifetime.duration(),
        })
    }
}

impl Serve {
    /// What was asked for, with the keys' opener read.
    pub(crate) fn options(self) -> anyhow::Result<Options> {
        let (settings, strangers) = (self.settings(), self.strangers());
        Ok(Options {
            unsealer: self.unseal.read()?,
            directory: self.dir,
            listen: self.listen,
            admin: self.admin,
            settings,
            strangers,
            drain: self.drain.duration(),
        })
    }

    fn settings(&self) -> Settings {
        let own = || vec![self.listen.to_string()];
        Settings {
            addresses: if self.address.is_empty() { own() } else { self.address.clone() },
            node_lifetime: self.node_lifetime.duration(),
            renewal_grace: self.renewal_grace.duration(),
            watch: WatchLimits {
                hello: self.hello_timeout.duration(),
                send: self.watch_send_timeout.duration(),
                addresses: self.watch_addresses,
            },
        }
    }

    fn strangers(&self) -> StrangerLimits {
        let (handshake, handshakes) = (self.handshake_timeout.duration(), self.handshakes);
        StrangerLimits {
            accept: AcceptLimits { handshake, handshakes, pause: Duration::from_millis(100) },
            connections: self.strangers,
            age: self.stranger_age.duration(),
        }
    }
}

/// Says what `init` made: paths to standard output, advice to standard error.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the answer of a command")]
pub(crate) fn print_founded(founded: &Founded, output: Output) {
    let (root, operator) = (founded.root_certificate.display(), founded.operator_file.display());
    match output {
        Output::Text => println!(
            "root certificate: {root}\noperator: {operator}\nsealed root key: {}",
            founded.root_directory.display()
        ),
        Output::Json => println!(
            "{}",
            serde_json::json!({
                "root_certificate": founded.root_certificate,
                "operator_file": founded.operator_file,
                "root_directory": founded.root_directory,
            })
        ),
    }
    eprintln!("hint: {}", founded.hint());
}

/// An error that may say what to do.
pub(crate) trait Hinted: std::error::Error + Send + Sync + 'static {
    /// The advice.
    fn advice(&self) -> Option<String>;
}

impl Hinted for InitError {
    fn advice(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

impl Hinted for ServeError {
    fn advice(&self) -> Option<String> {
        self.hint()
    }
}

impl Hinted for bulkhead_ca::seal::UnsealerError {
    fn advice(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

/// Prints the advice beside the error that goes up.
#[allow(clippy::print_stderr, reason = "advice belongs to the person, not to the chain of causes")]
pub(crate) fn with_hint<E: Hinted>(error: E) -> anyhow::Error {
    if let Some(advice) = error.advice() {
        eprintln!("hint: {advice}");
    }
    anyhow::Error::new(error)
}

const EXAMPLE: &str = "Examples:\n  bulkhead-ca init --trust-domain prod.example --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal\n  bulkhead-ca serve --dir /var/lib/bulkhead-ca --unseal-file /etc/bulkhead/unseal";
