//! The flags of `bulkhead-proxy run`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_mesh::probe::Probes;
use bulkhead_mesh::{Mode, SpiffeId, Timestamp, TrustDomain};
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use clap::Args;

use super::{port_or_none, version};
use crate::capture::Ports;
use crate::identity_source::token::TokenSource;
use crate::identity_source::{AgentAddress, Origin};
use crate::limits::ProxyLimits;
use crate::run::RunConfig;
use crate::tunnel::TunnelLimits;

/// Carries the workload's connections until it gets SIGTERM or SIGINT.
///
/// The ports are open at once, but every connection is reset until the first certificate and the first policy are here.
/// Without the CA it goes on with what it has, as the policy allows. `/ready` on the admin port says what is missing.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  bulkhead-proxy run --ca ca-1.example:8443 --ca ca-2.example:8443\n  bulkhead-proxy run --ca ca:15010 --pod-token token --roots root.pem --trust-domain prod.example"
)]
pub struct RunArgs {
    /// Where the CA answers; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_CA", required = true, value_delimiter = ',', value_name = "HOST:PORT", value_parser = ca_address)]
    ca: Vec<String>,
    /// The socket of this workload's registration, or another SPIFFE Workload API.
    #[arg(
        long,
        env = "BULKHEAD_WORKLOAD_API",
        default_value = "unix:///run/bulkhead/agent/api.sock",
        value_name = "ADDRESS"
    )]
    workload_api: AgentAddress,
    /// In a pod, instead of a Workload API: the file of the pod's projected service account token, for the CA's
    /// audience. Read afresh each time the CA is asked for a certificate. Needs `--roots` and `--trust-domain`.
    #[arg(
        long,
        env = "BULKHEAD_POD_TOKEN",
        requires_all = ["roots", "trust_domain"],
        conflicts_with = "workload_api",
        value_name = "FILE"
    )]
    pod_token: Option<PathBuf>,
    /// The PEM file of the mesh's roots, under which the CA must prove itself before the token is sent. May change while
    /// this runs.
    #[arg(long, env = "BULKHEAD_ROOTS", requires = "pod_token", value_name = "FILE")]
    roots: Option<PathBuf>,
    /// The trust domain for which these roots vouch.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN", requires = "pod_token", value_name = "NAME")]
    trust_domain: Option<TrustDomain>,
    /// The only identity that is taken; without it, the one that is offered.
    #[arg(long, env = "BULKHEAD_SPIFFE_ID", value_name = "SPIFFE-ID")]
    spiffe_id: Option<SpiffeId>,
    /// Where policy and cutoffs are kept, so that a restart without the CA brings no one back; with `--pod-token` also
    /// the key and its certificate, so best in memory.
    #[arg(long, env = "BULKHEAD_STATE_DIR", default_value = "/var/lib/bulkhead-proxy", value_name = "DIRECTORY")]
    state_dir: PathBuf,
    /// Where `/live`, `/ready` and `/metrics` are answered; a loopback address.
    #[arg(long, env = "BULKHEAD_ADMIN", default_value = "127.0.0.1:15021", value_name = "ADDRESS:PORT")]
    admin: SocketAddr,
    /// Where the kubelet asks for the application's health in clear, as `[::]:15020` (IPv4 too) or `0.0.0.0:15020`; as
    /// `capture install --probe-port` was told.
    ///
    /// Answers GET `/live` and `/ready` as the admin port does, and `/probe/CONTAINER/KIND` by asking the application what
    /// `--probes` says. Everybody who reaches the workload may ask. Without it nothing listens.
    #[arg(long, env = "BULKHEAD_PROBE_ADDRESS", value_name = "ADDRESS:PORT")]
    probe_address: Option<SocketAddr>,
    /// What the application may be asked there: a JSON array as the injector writes it.
    ///
    /// Each element has `container`, `kind` (startup, liveness, readiness, post-start, pre-stop), `check` (one of `http`,
    /// `tcp`, `grpc`) and `timeoutSeconds`. Headers of probes may be secret, so give it by the environment.
    #[arg(long, env = "BULKHEAD_PROBES", hide_env_values = true, default_value = "[]", value_name = "JSON", value_parser = probes)]
    probes: Probes,
    /// Where captured outbound connections arrive; as `capture install` was told.
    #[arg(long, env = "BULKHEAD_OUTBOUND_PORT", default_value_t = Ports::default().outbound, value_name = "PORT")]
    outbound_port: u16,
    /// Where captured inbound connections arrive; as `capture install` was told.
    #[arg(long, env = "BULKHEAD_INBOUND_PORT", default_value_t = Ports::default().inbound, value_name = "PORT")]
    inbound_port: u16,
    /// Where tunnels arrive, here and at every other proxy of the mesh.
    #[arg(long, env = "BULKHEAD_TUNNEL_PORT", default_value_t = Ports::default().tunnel, value_name = "PORT")]
    tunnel_port: u16,
    /// A port of the workload that is reached directly, and so not through the proxy; may be given several times.
    #[arg(long, env = "BULKHEAD_EXCLUDE_INBOUND_PORT", value_delimiter = ',', value_name = "PORT", value_parser = port_or_none)]
    exclude_inbound_port: Vec<Option<u16>>,
    /// Until when whoever has no certificate passes in clear, to the workload and from it, where no rule speaks of it.
    ///
    /// For the time in which neighbours get their sidecars. A rule that denies still does; the highest level of the policy
    /// is never permissive; at that moment what passed only so is cut. The log and the metrics say each time what passed.
    #[arg(long, env = "BULKHEAD_PERMISSIVE_UNTIL", value_name = "RFC3339")]
    permissive_until: Option<Timestamp>,
    /// An address of the workload, where those of its interfaces are not meant; may be given several times.
    #[arg(long, env = "BULKHEAD_ADDRESS", value_delimiter = ',', value_name = "ADDRESS")]
    address: Vec<IpAddr>,
    /// How many seconds a peer may take for its handshake.
    #[arg(long, env = "BULKHEAD_HANDSHAKE_TIMEOUT", default_value_t = ProxyLimits::default().handshake.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    handshake_timeout: u64,
    /// How many seconds a connection may take until the other application has answered.
    #[arg(long, env = "BULKHEAD_CONNECT_TIMEOUT", default_value_t = ProxyLimits::default().connect.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    connect_timeout: u64,
    /// After how many seconds without a connection a tunnel is closed.
    #[arg(long, env = "BULKHEAD_IDLE_TIMEOUT", default_value_t = ProxyLimits::default().idle.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    idle_timeout: u64,
    /// How many seconds connections may go on after SIGTERM.
    #[arg(long, env = "BULKHEAD_GRACE", default_value_t = ProxyLimits::default().grace.as_secs(), value_name = "SECONDS")]
    grace: u64,
    /// How many handshakes peers may have under way here; more are refused at once.
    #[arg(long, env = "BULKHEAD_MAX_HANDSHAKES", default_value_t = ProxyLimits::default().handshakes, value_name = "NUMBER", value_parser = positive)]
    max_handshakes: usize,
    /// How many tunnels peers may have open here.
    #[arg(long, env = "BULKHEAD_MAX_TUNNELS", default_value_t = ProxyLimits::default().tunnels_accepted, value_name = "NUMBER", value_parser = positive)]
    max_tunnels: usize,
    /// To how many peers tunnels may be open at a time; the longest idle one gives way.
    #[arg(long, env = "BULKHEAD_MAX_PEERS", default_value_t = ProxyLimits::default().peers, value_name = "NUMBER", value_parser = positive)]
    max_peers: usize,
    /// How many tunnels to one peer may be open.
    #[arg(long, env = "BULKHEAD_MAX_TUNNELS_PER_PEER", default_value_t = ProxyLimits::default().tunnels_per_peer, value_name = "NUMBER", value_parser = positive)]
    max_tunnels_per_peer: usize,
    /// How many connections a peer may have open in one tunnel to here.
    #[arg(long, env = "BULKHEAD_MAX_STREAMS", default_value_t = TunnelLimits::default().streams_accepted, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_streams: u32,
    /// For how many probes the application may be asked at a time; more are answered with 503 at once.
    #[arg(long, env = "BULKHEAD_MAX_PROBES", default_value_t = ProxyLimits::default().probes, value_name = "NUMBER", value_parser = positive)]
    max_probes: usize,
    /// How many threads carry connections; without it as many as there are cores, at most 4.
    #[arg(long, env = "BULKHEAD_THREADS", value_name = "NUMBER", value_parser = positive)]
    threads: Option<usize>,
}

impl RunArgs {
    /// How many threads carry connections.
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(|| cores().min(MOST_THREADS))
    }
}

impl From<RunArgs> for RunConfig {
    fn from(args: RunArgs) -> Self {
        let ports = Ports {
            outbound: args.outbound_port,
            inbound: args.inbound_port,
            tunnel: args.tunnel_port,
            admin: args.admin.port(),
            probe: args.probe_address.map(|address| address.port()),
        };
        Self {
            limits: limits(&args),
            identity: origin(&args),
            ca: args.ca,
            expected: args.spiffe_id,
            state: args.state_dir,
            admin: args.admin,
            probe_address: args.probe_address,
            probes: args.probes,
            ports,
            excluded: args.exclude_inbound_port.into_iter().flatten().collect(),
            addresses: args.address,
            mode: args.permissive_until.map_or(Mode::Strict, |until| Mode::Permissive { until }),
            version: version().to_owned(),
        }
    }
}

/// The parser has seen to it that the three flags of the token come together.
fn origin(args: &RunArgs) -> Origin {
    match (&args.pod_token, &args.roots, &args.trust_domain) {
        (Some(token), Some(roots), Some(trust_domain)) => Origin::PodToken(TokenSource {
            token: TokenFile::new(token),
            roots: RootsFile::new(roots, trust_domain.clone()),
            ca: args.ca.clone(),
            state: args.state_dir.clone(),
            look_at_roots_every: TokenSource::LOOK_AT_ROOTS_EVERY,
        }),
        _ => Origin::WorkloadApi(args.workload_api.clone()),
    }
}

fn limits(args: &RunArgs) -> ProxyLimits {
    ProxyLimits {
        handshake: Duration::from_secs(args.handshake_timeout),
        connect: Duration::from_secs(args.connect_timeout),
        handshakes: args.max_handshakes,
        tunnels_accepted: args.max_tunnels,
        peers: args.max_peers,
        tunnels_per_peer: args.max_tunnels_per_peer,
        idle: Duration::from_secs(args.idle_timeout),
        probes: args.max_probes,
        grace: Duration::from_secs(args.grace),
        tunnel: TunnelLimits {
            streams_accepted: args.max_streams,
            handshake: Duration::from_secs(args.handshake_timeout),
            ..TunnelLimits::default()
        },
    }
}

fn ca_address(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| "not `host:port`".into())
}

fn probes(text: &str) -> Result<Probes, serde_json::Error> {
    serde_json::from_str(text)
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "not a number from 1 up".into())
}

fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=86_400)
}

/// More have not been seen to help one workload, and each costs memory.
const MOST_THREADS: usize = 4;
