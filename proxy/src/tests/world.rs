//! The client's half and the server's half of two proxies, joined by real sockets on loopback addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bulkhead_daemon::Stopper;
use bulkhead_mesh::probe::Probe;
use bulkhead_mesh::{Entry, Epoch, InstanceId, Mode, NodeEpoch, Resolution, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::door::Door;
use super::hands::Hands;
use super::lines;
use super::support::within;
use crate::addresses::{ClosedPorts, OwnAddresses};
use crate::capture::Ports;
use crate::capture::check::Canary;
use crate::identity_source::Own;
use crate::inbound::Inbound;
use crate::limits::ProxyLimits;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::pool::{Link, LinkError, Pool};
use crate::resolve::Resolver;
use crate::sidecar::{Accepted, Sidecar};
use crate::socket::Purpose;
use crate::testing::certificates::{Mesh, id};
use crate::testing::{own, svid};

/// A client and a server, each with its proxy, in one mesh.
pub(crate) struct World {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) client: Client,
    pub(crate) server: Server,
}

/// The workload that calls.
pub(crate) struct Client {
    pub(crate) hands: Hands,
    pub(crate) sidecar: Arc<Sidecar>,
    pub(crate) pool: Pool,
    outbound: Arc<Outbound>,
    _stopper: Stopper,
}

/// The workload that is called.
pub(crate) struct Server {
    pub(crate) hands: Hands,
    pub(crate) sidecar: Arc<Sidecar>,
    pub(crate) inbound: Arc<Inbound>,
    /// Where its application listens.
    pub(crate) app: TcpListener,
    pub(crate) stopper: Stopper,
    /// Where its tunnels come in.
    pub(crate) door: Arc<Door>,
    tunnels: u16,
}

impl World {
    /// Both know the policy, the client's directory knows the server.
    pub(crate) async fn new(policy: &str) -> Self {
        Self::with(policy, ProxyLimits::default()).await
    }

    pub(crate) async fn with(policy: &str, limits: ProxyLimits) -> Self {
        Self::of(policy, limits, Mode::Strict).await
    }

    /// Both are permissive until then.
    pub(crate) async fn permissive(policy: &str, until: Timestamp) -> Self {
        Self::of(policy, ProxyLimits::default(), Mode::Permissive { until }).await
    }

    async fn of(policy: &str, limits: ProxyLimits, mode: Mode) -> Self {
        lines::keep();
        let mesh = Arc::new(Mesh::new());
        let server = Server::new(&mesh, limits.clone(), mode).await;
        let client = Client::new(&mesh, limits, mode, server.tunnels);
        client.hands.policy(policy);
        server.hands.policy(policy);
        client.hands.at(SERVER, Resolution::Entry(entry("n2", 1, 2)));
        Self { mesh, client, server }
    }

    /// A connection through both proxies: the client's socket, and the server's.
    pub(crate) async fn talk(&self) -> (TcpStream, TcpStream) {
        let calling = self.client.call(self.server.address()).await;
        let (answering, _) = within("the call", self.server.app.accept()).await.unwrap();
        (calling, answering)
    }
}

impl Client {
    fn new(mesh: &Arc<Mesh>, limits: ProxyLimits, mode: Mode, tunnels: u16) -> Self {
        let hands = Hands::new(mesh, mode);
        hands.own.send_replace(Some(web(mesh, 1)));
        let sidecar = sidecar(&hands, CLIENT, limits, tunnels);
        let (pool, runner) = Pool::new(Arc::clone(&sidecar));
        let resolver = Resolver::new(Arc::clone(&sidecar), hands.directory.clone());
        let outbound = Outbound::new(Arc::clone(&sidecar), resolver, pool.clone(), Canary::default());
        let (stopper, stop) = Stopper::new();
        tokio::spawn(runner.run(stop));
        Self { hands, sidecar, pool, outbound, _stopper: stopper }
    }

    /// The application calls an address, and its proxy has caught it.
    pub(crate) async fn call(&self, to: SocketAddr) -> TcpStream {
        let (calling, captured) = pair().await;
        let from = calling.local_addr().unwrap();
        tokio::spawn(Arc::clone(&self.outbound).carry(Accepted::new(captured), from, to));
        calling
    }

    /// A tunnel without any of the client's own checks: what a client does that keeps no rule.
    pub(crate) async fn rogue(&self, server: &Server) -> Result<Link, LinkError> {
        let own = self.sidecar.own().unwrap();
        let to = SocketAddr::new(SERVER, server.tunnels);
        self.pool.link(&own, &entry("n2", 1, 2), to).await
    }
}

impl Server {
    async fn new(mesh: &Arc<Mesh>, limits: ProxyLimits, mode: Mode) -> Self {
        let hands = Hands::new(mesh, mode);
        hands.own.send_replace(Some(own(&svid(mesh, &mesh.workload("db", "n2", "internal"), 1))));
        let listener = TcpListener::bind(SocketAddr::new(SERVER, 0)).await.unwrap();
        let tunnels = listener.local_addr().unwrap().port();
        let sidecar = sidecar(&hands, SERVER, limits, tunnels);
        let inbound = Inbound::new(Arc::clone(&sidecar));
        let (stopper, stop) = Stopper::new();
        let door = Door::open(listener, Arc::clone(&inbound), stop);
        let app = TcpListener::bind(SocketAddr::new(SERVER, 0)).await.unwrap();
        Self { hands, sidecar, inbound, app, stopper, door, tunnels }
    }

    /// Where its application listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.app.local_addr().unwrap()
    }

    /// Lets the tunnels that are open end in order, and goes on accepting others.
    pub(crate) fn drain_tunnels(&mut self) {
        let next = self.door.next_stop();
        std::mem::replace(&mut self.stopper, next).stop();
    }

    /// A bare TCP connection to the port of tunnels.
    pub(crate) async fn knock(&self) -> TcpStream {
        TcpStream::connect(SocketAddr::new(SERVER, self.tunnels)).await.unwrap()
    }

    /// The port of tunnels, which is the proxy's own.
    pub(crate) fn tunnels(&self) -> u16 {
        self.tunnels
    }

    /// A connection that was captured in clear.
    pub(crate) async fn plain_call(&self, to: SocketAddr) -> (TcpStream, JoinHandle<()>) {
        let (calling, captured) = pair().await;
        let from = calling.local_addr().unwrap();
        let carrying = tokio::spawn(Arc::clone(&self.inbound).plain(Accepted::new(captured), from, to));
        (calling, carrying)
    }
}

/// What the client's proxy has of the agent.
pub(crate) fn web(mesh: &Mesh, generation: u64) -> Arc<Own> {
    own(&svid(mesh, &mesh.workload("web", "n1", "internal"), generation))
}

/// The server as a directory may have it; truly it is on `n2` in epoch 1, and its instance is made of twos.
pub(crate) fn entry(node: &str, epoch: u32, instance: u8) -> Entry {
    Entry::Workload {
        id: id("/ns/shop/sa/db"),
        node: NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) },
        instance: InstanceId::from_bytes([instance; 16]),
    }
}

/// What every connection of a workload at this address needs, told by these hands.
pub(crate) fn sidecar(hands: &Hands, address: IpAddr, limits: ProxyLimits, tunnels: u16) -> Arc<Sidecar> {
    let ports = Ports { tunnel: tunnels, probe: Some(Probe::PORT), ..Ports::default() };
    Arc::new(Sidecar {
        own: hands.own.subscribe(),
        truth: Arc::clone(&hands.truth),
        registry: hands.registry.clone(),
        clocks: Arc::clone(&hands.clocks) as _,
        metrics: Metrics::new(),
        addresses: OwnAddresses::given([address, LEFT]),
        closed: ClosedPorts::new(ports.all()),
        ports,
        limits,
    })
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(crate::socket::connect(address, Purpose::Application), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

pub(crate) const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 1, 1));
pub(crate) const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 2, 1));
/// What both believe to have, and have not: an address that has left its host.
pub(crate) const LEFT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
