//! The flags of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_ca::ca::{Settings, WatchLimits};
use bulkhead_ca::serve::{Options, StrangerLimits};
use bulkhead_mesh::policy::Period;
use bulkhead_protocol::transport::AcceptLimits;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::cluster::ClusterArgs;
use super::unseal::Unseal;

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
    /// The port with /live, /ready and /metrics; a loopback address, unless `--expose-admin` is given.
    #[arg(long, env = "BULKHEAD_CA_ADMIN", default_value = "127.0.0.1:15011")]
    admin: SocketAddr,
    /// Lets `--admin` be any address: in a pod, where the kubelet and whoever collects metrics ask from outside. Everybody
    /// who reaches the port is answered.
    #[arg(long, env = "BULKHEAD_EXPOSE_ADMIN")]
    expose_admin: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
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
    /// How many of them may come from one address, and how many handshakes may be under way from there; a further
    /// connection is closed. An IPv6 address counts by its /64.
    #[arg(long, env = "BULKHEAD_STRANGERS_PER_ADDRESS", default_value_t = 16, value_parser = at_least_one())]
    strangers_per_address: usize,
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

impl Serve {
    /// What was asked for, with the keys' opener read and the way to the cluster built.
    pub(crate) async fn options(self) -> anyhow::Result<Options> {
        let (settings, strangers) = (self.settings(), self.strangers());
        Ok(Options {
            unsealer: self.unseal.read()?,
            directory: self.dir,
            listen: self.listen,
            admin: self.admin,
            expose_admin: self.expose_admin,
            kubernetes: self.cluster.connect().await?,
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
        let per_address = self.strangers_per_address;
        StrangerLimits {
            accept: AcceptLimits { handshake, handshakes, per_address, pause: Duration::from_millis(100) },
            connections: self.strangers,
            per_address,
            age: self.stranger_age.duration(),
        }
    }
}

/// None at all would let nobody in, not even operators.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}
