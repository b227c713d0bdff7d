//! A CA, a clock and a host, as a test finds them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::attestation::Attestation;
use bulkhead_agent::join::{JoinError, Joined, join};
use bulkhead_agent::run::{Agent, RunConfig, RunError};
use bulkhead_agent::state::StateDirectory;
use bulkhead_agent::workload_api::Limits;
use bulkhead_daemon::Stopper;
use bulkhead_identity::Clock as _;
use bulkhead_mesh::{InstanceId, Timestamp};
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use bulkhead_protocol::convert::Registration;
use bulkhead_protocol::join_token::{JoinSecret, JoinToken};
use bulkhead_protocol::workload_api::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use bulkhead_protocol::workload_api::{X509svidRequest, X509svidResponse};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::fake_ca::{Books, FakeCa};
use crate::manual_clock::ManualClock;
use crate::pki::Pki;

/// 2026-11-24T17:36:52Z.
pub const START: Timestamp = Timestamp::from_secs(1_795_541_812);

pub struct World {
    pub clock: Arc<ManualClock>,
    pub pki: Arc<Pki>,
    pub books: Arc<Books>,
    pub home: TempDir,
    pub limits: Limits,
}

/// An agent that runs.
pub struct Running {
    pub admin: std::net::SocketAddr,
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl World {
    pub fn new() -> Self {
        Self::at(START)
    }

    pub fn at(now: Timestamp) -> Self {
        let (clock, pki) = (Arc::new(ManualClock::at(now)), Arc::new(Pki::new(now)));
        let books = Books::new(Arc::clone(&pki), Arc::clone(&clock));
        Self { clock, pki, books, home: tempfile::tempdir().unwrap(), limits: Limits::default() }
    }

    /// A CA, and a node that has joined it.
    pub async fn joined() -> (Self, FakeCa) {
        let world = Self::new();
        let ca = world.ca().await;
        world.join(&world.token(&ca.address, 1)).await.unwrap();
        (world, ca)
    }

    pub async fn ca(&self) -> FakeCa {
        FakeCa::start(Arc::clone(&self.books), self.pki.ca(self.clock.now())).await
    }

    pub fn token(&self, ca: &str, secret: u8) -> JoinToken {
        JoinToken {
            secret: JoinSecret::from_random([secret; 32]),
            node: "n1".parse().unwrap(),
            ca_addresses: vec![ca.to_owned()],
            bundle: self.pki.bundle(),
        }
    }

    pub async fn join(&self, token: &JoinToken) -> Result<Joined, JoinError> {
        let state = StateDirectory::open(&self.state()).unwrap();
        join(&state, token, self.clock.clone()).await
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub fn socket(&self, registration: InstanceId) -> PathBuf {
        self.home.path().join("sockets").join(registration.to_string()).join("api.sock")
    }

    /// An agent whose node an operator has joined.
    pub async fn agent(&self) -> Running {
        self.running(None).await.unwrap()
    }

    /// An agent that is a pod on this node, with a CA at this address.
    pub async fn pod(&self, node: &str, ca: &str) -> Result<Running, RunError> {
        let attestation = Attestation {
            token: TokenFile::new(self.pod_token()),
            roots: RootsFile::new(self.roots(), crate::pki::DOMAIN.parse().unwrap()),
            node: node.parse().unwrap(),
            ca_addresses: vec![ca.to_owned()],
        };
        self.running(Some(attestation)).await
    }

    /// Writes the files of a pod.
    pub fn write_pod_files(&self, token: &str) {
        std::fs::write(self.pod_token(), token).unwrap();
        std::fs::write(self.roots(), self.pki.bundle().to_pem()).unwrap();
    }

    pub fn roots(&self) -> PathBuf {
        self.home.path().join("root.pem")
    }

    fn pod_token(&self) -> PathBuf {
        self.home.path().join("token")
    }

    async fn running(&self, attestation: Option<Attestation>) -> Result<Running, RunError> {
        let config = RunConfig {
            state_directory: self.state(),
            socket_directory: self.home.path().join("sockets"),
            ca_addresses: attestation.as_ref().map(|attestation| attestation.ca_addresses.clone()),
            attestation,
            admin: "127.0.0.1:0".parse().unwrap(),
            expose_admin: false,
            limits: self.limits,
        };
        let agent = Agent::open(config, self.clock.clone()).await?;
        let (stopper, stop) = Stopper::new();
        let admin = agent.admin_address();
        Ok(Running { admin, stopper, task: tokio::spawn(async move { agent.run(stop).await.unwrap() }) })
    }

    /// The stream of a client that does all as it should.
    pub async fn follow(&self, registration: InstanceId) -> Streaming<X509svidResponse> {
        fetch(self.client(registration).await, true).await.unwrap()
    }

    pub async fn client(&self, registration: InstanceId) -> SpiffeWorkloadApiClient<Channel> {
        connect(self.socket(registration)).await
    }
}

impl Running {
    pub async fn stop(self) {
        self.stopper.stop();
        in_time("the agent to stop", self.task).await.unwrap();
    }
}

/// A registration for this test's own user and group.
pub fn registration(number: u8) -> Registration {
    let (uid, gid) = own_user();
    Registration {
        id: InstanceId::from_bytes([number; 16]),
        workload: "ns/shop/sa/web".parse().unwrap(),
        label: "internal".parse().unwrap(),
        node: "n1".parse().unwrap(),
        address: std::net::Ipv4Addr::new(10, 0, 0, number).into(),
        uid,
        gid,
    }
}

/// Waits for somebody to listen on a socket; one connection, once it stands.
pub async fn connect(socket: PathBuf) -> SpiffeWorkloadApiClient<Channel> {
    let mut connection = None;
    until("a listener", || {
        connection = std::os::unix::net::UnixStream::connect(&socket).ok();
        std::future::ready(connection.is_some())
    })
    .await;
    let connection = connection.unwrap();
    connection.set_nonblocking(true).unwrap();
    let mut once = Some(TokioIo::new(UnixStream::from_std(connection).unwrap()));
    let connector = tower::service_fn(move |_| std::future::ready(once.take().ok_or("the connection has ended")));
    let endpoint = Endpoint::from_static("http://localhost");
    SpiffeWorkloadApiClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

/// Calls FetchX509SVID, with or without the header of the specification.
pub async fn fetch(
    mut client: SpiffeWorkloadApiClient<Channel>,
    header: bool,
) -> Result<Streaming<X509svidResponse>, Status> {
    let mut request = Request::new(X509svidRequest {});
    if header {
        request.metadata_mut().insert("workload.spiffe.io", "true".parse().unwrap());
    }
    Ok(in_time("an answer", client.fetch_x509svid(request)).await?.into_inner())
}

/// The leaf of the next message.
pub async fn next_leaf(stream: &mut Streaming<X509svidResponse>) -> Result<Vec<u8>, Status> {
    let message = in_time("a message", stream.message()).await?.ok_or_else(|| Status::ok("the stream ended"))?;
    Ok(message.svids[0].x509_svid.clone())
}

/// Waits for a state by looking again and again, under the one deadline of these tests.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(what, looking).await;
}

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

fn own_user() -> (u32, u32) {
    use std::os::unix::fs::MetadataExt as _;
    let own = std::fs::metadata("/proc/self").unwrap();
    (own.uid(), own.gid())
}

/// The whole answer of the admin port.
pub async fn get(admin: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    in_time("an answer of the admin port", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}
