//! The flags of `bulkhead-proxy capture`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ipnet::IpNet;

use super::{Format, port_or_none};
use crate::capture::{CaptureConfig, Exclusions, Namespace, Ports};

/// Puts the rules in place that bring the workload's connections here, takes them away, shows them.
///
/// All of it needs CAP_NET_ADMIN in the workload's network namespace, which the running proxy does not have. Whether
/// connections really arrive is what the running proxy proves all the time: see `/ready` on its admin port.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bulkhead-proxy capture install --netns /run/netns/shop --mesh-cidr 10.77.0.0/16")]
pub enum CaptureCommand {
    /// Puts the rules in place, in one transaction, instead of any that are there.
    Install(InstallArgs),
    /// Takes the rules away: from then on connections leave the workload in clear.
    #[command(after_help = "Example:\n  bulkhead-proxy capture remove --netns /run/netns/shop")]
    Remove(NamespaceArgs),
    /// Prints the rules in place, with what they have counted.
    #[command(after_help = "Example:\n  bulkhead-proxy capture show --netns /run/netns/shop")]
    Show(ShowArgs),
    /// Says whether there are rules, and fails where there are none; does not compare them with what they should be.
    #[command(after_help = "Example:\n  bulkhead-proxy capture check --netns /run/netns/shop && echo captured")]
    Check(ShowArgs),
}

/// Which network namespace.
#[derive(Args, Clone, Debug)]
pub struct NamespaceArgs {
    /// The workload's network namespace: a process in it, or a file; without it, this program's own.
    #[arg(long, env = "BULKHEAD_NETNS", value_name = "PID|FILE", value_parser = namespace)]
    netns: Option<Namespace>,
}

/// What is shown, and how.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// How it is printed.
    #[arg(short, long, env = "BULKHEAD_OUTPUT", value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub output: Format,
}

/// What is captured, and what is left alone.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  bulkhead-proxy capture install --netns 4711 --mesh-cidr 10.77.0.0/16 --resolver 10.77.0.10"
)]
pub struct InstallArgs {
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// A range of the mesh's addresses (`mesh-cidrs` of the policy): UDP and ICMP to it are dropped; may be given
    /// several times.
    #[arg(long, env = "BULKHEAD_MESH_CIDR", required = true, value_delimiter = ',', value_name = "RANGE")]
    mesh_cidr: Vec<IpNet>,
    /// A name server that may be asked directly, on port 53; may be given several times.
    #[arg(long, env = "BULKHEAD_RESOLVER", value_delimiter = ',', value_name = "ADDRESS")]
    resolver: Vec<IpAddr>,
    /// This is a host's own network namespace: leaves uid 0 and port 22 alone.
    #[arg(long, env = "BULKHEAD_HOST")]
    host: bool,
    /// The proxy's uid: connections of this uid and gid are not captured. No application may have both.
    #[arg(long, env = "BULKHEAD_PROXY_UID", default_value_t = DEFAULT_ACCOUNT, value_name = "UID")]
    uid: u32,
    /// The proxy's gid.
    #[arg(long, env = "BULKHEAD_PROXY_GID", default_value_t = DEFAULT_ACCOUNT, value_name = "GID")]
    gid: u32,
    /// Destinations that applications reach directly, in clear; may be given several times.
    #[arg(long, env = "BULKHEAD_EXCLUDE_OUTBOUND", value_delimiter = ',', value_name = "RANGE")]
    exclude_outbound: Vec<IpNet>,
    /// A destination port that applications reach directly, in clear; may be given several times.
    #[arg(long, env = "BULKHEAD_EXCLUDE_OUTBOUND_PORT", value_delimiter = ',', value_name = "PORT", value_parser = port_or_none)]
    exclude_outbound_port: Vec<Option<u16>>,
    /// A port of the workload that everybody reaches directly, in clear; may be given several times.
    #[arg(long, env = "BULKHEAD_EXCLUDE_INBOUND_PORT", value_delimiter = ',', value_name = "PORT", value_parser = port_or_none)]
    exclude_inbound_port: Vec<Option<u16>>,
    /// The proxy's port for captured outbound connections.
    #[arg(long, env = "BULKHEAD_OUTBOUND_PORT", default_value_t = Ports::default().outbound, value_name = "PORT")]
    outbound_port: u16,
    /// The proxy's port for captured inbound connections.
    #[arg(long, env = "BULKHEAD_INBOUND_PORT", default_value_t = Ports::default().inbound, value_name = "PORT")]
    inbound_port: u16,
    /// The proxy's port for tunnels.
    #[arg(long, env = "BULKHEAD_TUNNEL_PORT", default_value_t = Ports::default().tunnel, value_name = "PORT")]
    tunnel_port: u16,
    /// The proxy's port for probes of the application (`--probe-address` of `run`), usually 15020: everybody reaches it
    /// directly, in clear; without it there is none.
    #[arg(long, env = "BULKHEAD_PROBE_PORT", value_name = "PORT")]
    probe_port: Option<u16>,
}

impl NamespaceArgs {
    /// The namespace that is meant.
    pub fn namespace(&self) -> Namespace {
        self.netns.clone().unwrap_or(Namespace::Own)
    }
}

impl ShowArgs {
    /// The namespace that is meant.
    pub fn namespace(&self) -> Namespace {
        self.namespace.namespace()
    }
}

impl InstallArgs {
    /// The namespace that is meant.
    pub fn namespace(&self) -> Namespace {
        self.namespace.namespace()
    }
}

impl From<InstallArgs> for CaptureConfig {
    fn from(args: InstallArgs) -> Self {
        let exclusions = Exclusions {
            outbound: args.exclude_outbound,
            outbound_ports: args.exclude_outbound_port.into_iter().flatten().collect(),
            inbound_ports: args.exclude_inbound_port.into_iter().flatten().collect(),
        };
        let ports = Ports {
            outbound: args.outbound_port,
            inbound: args.inbound_port,
            tunnel: args.tunnel_port,
            probe: args.probe_port,
            // No rule speaks of the admin port.
            ..Ports::default()
        };
        Self {
            uid: args.uid,
            gid: args.gid,
            ports,
            mesh: args.mesh_cidr,
            resolvers: args.resolver,
            exclusions,
            host: args.host,
        }
    }
}

fn namespace(text: &str) -> Result<Namespace, String> {
    match text.parse() {
        Ok(process) => Ok(Namespace::OfProcess(process)),
        Err(_) if text.contains('/') => Ok(Namespace::File(PathBuf::from(text))),
        Err(_) => Err("neither the pid of a process nor the path of a file such as /run/netns/NAME".into()),
    }
}

const DEFAULT_ACCOUNT: u32 = 10_101;
