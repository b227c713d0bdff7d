//! `bulkhead-proxy run`: everything that lives while the proxy does, and the order in which it ends.
//!
//! The listeners are open from the start. Until the first certificate and the first policy are here, every connection is
//! reset at once and counted as `not-ready`: to hold it would make an application wait for it cannot know what, and a
//! pile of held connections would fall on whoever comes first.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{AdminError, AdminPort, Stop, Stopper, SystemClock};
use bulkhead_mesh::probe::{ContainerName, ProbeKind, Probes};
use bulkhead_mesh::{Mode, SpiffeId};
use bulkhead_protocol::feed::Limits as FeedLimits;
use bulkhead_protocol::transport::ConnectLimits;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::addresses::{ClosedPorts, OwnAddresses};
use crate::admin::Condition;
use crate::capture::Ports;
use crate::capture::check::Canary;
use crate::clocks::SharedClocks;
use crate::directory::{Directory, DirectoryLimits};
use crate::feed::{Feed, FeedSettings};
use crate::identity_source::{IdentitySource, Origin};
use crate::inbound::Inbound;
use crate::limits::ProxyLimits;
use crate::lookout::{Capture, watch_over};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::permissive::say_aloud;
use crate::pool::Pool;
use crate::probes::{Answers, ProbePort, find_own_port};
use crate::registry::Registry;
use crate::resolve::Resolver;
use crate::sidecar::Sidecar;
use crate::socket::{Listener, Reach};
use crate::truth::Truth;

/// What `run` is told.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// The CA's addresses, each `host:port`, in the order in which they are tried.
    pub ca: Vec<String>,
    /// Who says what this workload is.
    pub identity: Origin,
    /// The only identity that is taken, where it is known beforehand.
    pub expected: Option<SpiffeId>,
    /// Where the truth is kept.
    pub state: PathBuf,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// Where probes of the application are asked; nowhere without it.
    pub probe_address: Option<SocketAddr>,
    /// What may be asked there.
    pub probes: Probes,
    /// The proxy's own ports; the probe port is that of `probe_address`.
    pub ports: Ports,
    /// Ports of the workload that everybody reaches directly, and so nobody through the proxy.
    pub excluded: Vec<u16>,
    /// The workload's addresses; empty for those of the interfaces.
    pub addresses: Vec<IpAddr>,
    /// How strictly the workload keeps the policy.
    pub mode: Mode,
    /// What may be held and waited for.
    pub limits: ProxyLimits,
    /// This program's version, for operators to read.
    pub version: String,
}

/// A proxy whose ports are open.
#[derive(Debug)]
pub struct Proxy {
    config: RunConfig,
    addresses: OwnAddresses,
    admin: AdminPort,
    probes: Option<ProbePort>,
    outbound: Listener,
    inbound: Listener,
    tunnels: Listener,
}

impl Proxy {
    /// Takes hold of everything that can be missing, so that a wrong setting is said at once.
    pub async fn open(mut config: RunConfig) -> Result<Self, RunError> {
        let bind = |port, reach| Listener::bind(port, reach).map_err(|source| RunError::Bind { port, source });
        let outbound = bind(config.ports.outbound, Reach::Loopback)?;
        let inbound = bind(config.ports.inbound, Reach::Everywhere)?;
        let tunnels = bind(config.ports.tunnel, Reach::Everywhere)?;
        let admin = AdminPort::bind(config.admin).await?;
        let probes = config.probe_address.map(bind_probes).transpose()?;
        let port = |listener: &Listener, port| listener.port().map_err(|source| RunError::Bind { port, source });
        config.ports = Ports {
            outbound: port(&outbound, config.ports.outbound)?,
            inbound: port(&inbound, config.ports.inbound)?,
            tunnel: port(&tunnels, config.ports.tunnel)?,
            admin: admin.address().port(),
            probe: probes.as_ref().map(ProbePort::port),
        };
        refuse_own_port(&config)?;
        let given = (!config.addresses.is_empty()).then(|| OwnAddresses::given(config.addresses.iter().copied()));
        let addresses = given.map_or_else(OwnAddresses::of_interfaces, Ok).map_err(RunError::Addresses)?;
        Ok(Self { config, addresses, admin, probes, outbound, inbound, tunnels })
    }

    /// The ports that are open; where 0 was asked for, the one that was free.
    pub fn ports(&self) -> Ports {
        self.config.ports
    }

    /// Works until stopped. Then nothing new is accepted, what is open may go on for the grace period, the rest is cut,
    /// and all is over when this returns. What tells the truth ends last, so a revocation finds even what is ending.
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let (ending, late) = Stopper::new();
        let (mut knowing, mut carrying) = (JoinSet::new(), JoinSet::new());
        let grace = self.config.limits.grace;
        let sidecar = self.start(&mut knowing, &mut carrying, &stop, &late);
        tracing::info!("the proxy runs");
        tokio::select! {
            biased;
            () = stop.stopped() => {}
            Some(ended) = knowing.join_next() => return Err(RunError::of(ended)),
            Some(ended) = carrying.join_next() => return Err(RunError::of(ended)),
        }
        tracing::info!(grace_seconds = grace.as_secs(), open = sidecar.registry.live().len(), "the proxy is stopping");
        if timeout(grace, all(&mut carrying)).await.is_err() {
            let cut = sidecar.registry.drain();
            tracing::info!(cut, "the grace period is over");
            // What does not end although it is cut ends with its task.
            let _ = timeout(FORCE, all(&mut carrying)).await;
            carrying.shutdown().await;
        }
        ending.stop();
        // The last write to the disk is among them. A disk that hangs keeps the old file whole.
        if timeout(LAST_WORDS, all(&mut knowing)).await.is_err() {
            tracing::warn!("what tells the truth does not end; it is left behind");
        }
        tracing::info!("the proxy has stopped");
        Ok(())
    }

    /// Starts everything: first what knows, then what carries.
    fn start(self, knowing: &mut JoinSet<()>, carrying: &mut JoinSet<()>, stop: &Stop, late: &Stop) -> Arc<Sidecar> {
        let Self { mut config, addresses, admin, probes, outbound, inbound, tunnels } = self;
        let (asked, mode) = (std::mem::take(&mut config.probes), config.mode);
        let canary = Canary::default();
        let Known { sidecar, directory, obstacle } = know(config, addresses, knowing, late);
        let (tell, capture) = watch::channel(Capture::Unknown);
        knowing.spawn(watch_over(Arc::clone(&sidecar), canary.clone(), tell, late.clone()));
        if mode != Mode::Strict {
            knowing.spawn(say_aloud(Arc::clone(&sidecar), late.clone()));
        }
        let condition = Arc::new(Condition::new(Arc::clone(&sidecar), capture, obstacle, stop.clone()));
        if let Some(port) = probes {
            let answers = Answers::new(Arc::clone(&sidecar), Arc::clone(&condition) as _, asked);
            knowing.spawn(port.serve(answers, late.clone()));
        }
        knowing.spawn(admin.serve(condition, late.clone()));

        let (pool, runner) = Pool::new(Arc::clone(&sidecar));
        let resolver = Resolver::new(Arc::clone(&sidecar), directory);
        let outward = Outbound::new(Arc::clone(&sidecar), resolver, pool, canary);
        let inward = Inbound::new(Arc::clone(&sidecar));
        carrying.spawn(runner.run(stop.clone()));
        carrying.spawn(outward.listen(outbound, stop.clone()));
        carrying.spawn(Arc::clone(&inward).listen_plain(inbound, stop.clone()));
        carrying.spawn(inward.listen(tunnels, stop.clone()));
        sidecar
    }
}

/// What has begun to be learnt.
struct Known {
    sidecar: Arc<Sidecar>,
    directory: Directory,
    obstacle: watch::Receiver<Option<Arc<str>>>,
}

/// Starts what learns who this workload is and what is true, and joins it to what every connection needs.
fn know(config: RunConfig, addresses: OwnAddresses, tasks: &mut JoinSet<()>, stop: &Stop) -> Known {
    let (truth, clocks) = (Truth::new(), Arc::new(SystemClock::default()) as SharedClocks);
    let source = IdentitySource { origin: config.identity, expected: config.expected };
    let identities = source.start(&truth, Arc::clone(&clocks), tasks, stop.clone());
    let (own, obstacle) = (identities.own.clone(), identities.obstacle.clone());
    let registry = Registry::new(Arc::clone(&truth), own.clone(), Arc::clone(&clocks)).in_mode(config.mode);
    let settings = FeedSettings {
        ca: config.ca,
        state: config.state,
        version: config.version,
        limits: FeedLimits::default(),
        connect: ConnectLimits::default(),
        directory: DirectoryLimits::default(),
    };
    let (feed, directory) = Feed::new(settings, identities, Arc::clone(&truth), registry.clone(), Arc::clone(&clocks));
    tasks.spawn(feed.run(stop.clone()));
    let closed = ClosedPorts::new(config.ports.all().chain(config.excluded));
    let (metrics, ports, limits) = (Metrics::new(), config.ports, config.limits);
    let sidecar = Sidecar { own, truth, registry, clocks, metrics, addresses, ports, closed, limits };
    Known { sidecar: Arc::new(sidecar), directory, obstacle }
}

fn bind_probes(address: SocketAddr) -> Result<ProbePort, RunError> {
    ProbePort::bind(address).map_err(|source| RunError::BindProbes { address, source })
}

/// A probe of the proxy's own port would ask the proxy, and on the probe port it would ask itself for ever.
fn refuse_own_port(config: &RunConfig) -> Result<(), RunError> {
    let Some(probe) = find_own_port(&config.probes, config.ports) else { return Ok(()) };
    let (container, kind, port) = (probe.container.clone(), probe.kind, probe.check.port());
    Err(RunError::OwnPort { container, kind, port })
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Why the proxy cannot run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RunError {
    #[error("port {port} cannot be opened")]
    Bind { port: u16, source: io::Error },
    #[error("{address} cannot be opened for probes")]
    BindProbes { address: SocketAddr, source: io::Error },
    #[error("the {kind} {} of container `{container}` asks port {port}, which is the proxy's own", .kind.noun())]
    OwnPort { container: ContainerName, kind: ProbeKind, port: u16 },
    #[error("the addresses of this workload cannot be read")]
    Addresses(#[source] io::Error),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("a part of the proxy has failed")]
    Task(#[source] JoinError),
    #[error("a part of the proxy has ended before it was told to")]
    Ended,
}

impl RunError {
    fn of(ended: Result<(), JoinError>) -> Self {
        ended.map_or_else(Self::Task, |()| Self::Ended)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Bind { .. } => Some("another proxy may run in this network namespace"),
            Self::BindProbes { .. } => {
                Some("`--probe-address` must name an address of this host and a port that nobody else uses")
            }
            Self::OwnPort { .. } => Some("`--probes` may ask the application's ports only"),
            Self::Addresses(_) => Some("`--address` names them"),
            Self::Admin(error) => Some(error.hint()),
            Self::Task(_) | Self::Ended => None,
        }
    }
}

/// How long what was cut may take to close its sockets.
const FORCE: Duration = Duration::from_secs(2);
/// How long the last write to the disk may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
