//! A CA that was founded and serves, and the ways to it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_ca::ca::{Ca, Settings, WatchLimits};
use bulkhead_ca::init::{self, OPERATOR_LIFETIME, Plan, RootPlan};
use bulkhead_ca::seal::Unsealer;
use bulkhead_ca::serve::{Options, ServeError, Server, StrangerLimits};
use bulkhead_daemon::{Stop, Stopper};
use bulkhead_identity::keys::KeyStore;
use bulkhead_identity::tls::{Connector, CurrentTruth, Trust};
use bulkhead_identity::{AcceptedIssuers, Clock as _, Limits, Truth};
use bulkhead_mesh::{CutoffSet, Levels, Timestamp};
use bulkhead_protocol::transport::{ConnectError, ConnectLimits, connect};
use bulkhead_protocol::v1::admin_client::AdminClient;
use bulkhead_protocol::v1::issuance_client::IssuanceClient;
use bulkhead_protocol::v1::join_client::JoinClient;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::clock::{NOW, TestClock};
use crate::people::Identity;

/// A CA in a directory of its own.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) founder: Identity,
    pub(crate) directory: TempDir,
    running: Option<Running>,
}

struct Running {
    ca: Arc<Ca>,
    address: String,
    stopper: Stopper,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// Longer than anything in here takes, however busy the machine is.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it did not happen within the deadline")
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::founded().await;
        world.start(change).await;
        world
    }

    /// A CA that was founded and does not serve.
    pub(crate) async fn founded() -> Self {
        Self::founded_as(|_| ()).await
    }

    /// The same, founded otherwise.
    pub(crate) async fn founded_as(change: impl FnOnce(&mut Plan)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut plan = plan(directory.path().join("ca"));
        change(&mut plan);
        let made = init::run(&plan, NOW).await.unwrap();
        let stored = KeyStore::new(made.operator_file).read().unwrap().unwrap();
        let founder = Identity { key: stored.key, chain: stored.chain };
        Self { clock: Arc::new(TestClock::new()), founder, directory, running: None }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("ca")
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            directory: self.path(),
            unsealer: unsealer(),
            listen: "127.0.0.1:0".parse().unwrap(),
            admin: "127.0.0.1:0".parse().unwrap(),
            expose_admin: false,
            kubernetes: None,
            settings: Settings {
                addresses: vec!["ca.prod.example:15010".to_owned()],
                node_lifetime: NODE_LIFETIME,
                renewal_grace: GRACE,
                watch: WatchLimits::default(),
            },
            strangers: StrangerLimits::default(),
            drain: DEADLINE,
        }
    }

    pub(crate) async fn bind(&self, options: Options, stop: Stop) -> Result<Server, ServeError> {
        Server::bind(options, self.clock.clone(), stop).await
    }

    pub(crate) async fn start(&mut self, change: impl FnOnce(&mut Options)) {
        let mut options = self.options();
        change(&mut options);
        let (stopper, stop) = Stopper::new();
        let server = self.bind(options, stop).await.unwrap();
        let (ca, address) = (Arc::clone(server.ca()), server.address().to_string());
        self.running = Some(Running { ca, address, stopper, serving: tokio::spawn(server.run()) });
    }

    /// Stops the CA and waits for its end.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stopper.stop();
        soon(running.serving).await.unwrap().unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start(|_| ()).await;
    }

    pub(crate) fn ca(&self) -> &Arc<Ca> {
        &self.running.as_ref().unwrap().ca
    }

    pub(crate) fn address(&self) -> &str {
        &self.running.as_ref().unwrap().address
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time passes; returns when the CA has renewed its own certificates where they have ended.
    pub(crate) async fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
        let renewed = async {
            while matches!(self.connect(None).await, Err(ConnectError::NotTheCa { .. })) {
                tokio::task::yield_now().await;
            }
        };
        soon(renewed).await;
    }

    pub(crate) fn connector(&self, who: Option<&Identity>) -> Connector {
        let trust = Trust {
            bundle: Arc::new(self.ca().authority.bundle().clone()),
            truth: Arc::new(AnyIssuer),
            clock: self.clock.clone(),
            limits: Limits::default(),
        };
        Connector::new(who.map(Identity::own).as_ref(), trust, &[b"h2"]).unwrap()
    }

    pub(crate) async fn connect(&self, who: Option<&Identity>) -> Result<Channel, ConnectError> {
        let limits = ConnectLimits { connect: DEADLINE, keepalive: DEADLINE };
        Box::pin(connect(&[self.address().to_owned()], &self.connector(who), limits)).await
    }

    pub(crate) async fn channel(&self, who: &Identity) -> Channel {
        self.connect(Some(who)).await.unwrap()
    }

    pub(crate) async fn stranger(&self) -> JoinClient<Channel> {
        JoinClient::new(self.connect(None).await.unwrap())
    }

    pub(crate) async fn admin(&self, who: &Identity) -> AdminClient<Channel> {
        AdminClient::new(self.channel(who).await)
    }

    pub(crate) async fn owner(&self) -> AdminClient<Channel> {
        self.admin(&self.founder).await
    }

    pub(crate) async fn issuance(&self, who: &Identity) -> IssuanceClient<Channel> {
        IssuanceClient::new(self.channel(who).await)
    }
}

/// What a client believes who knows the root and nothing else.
#[derive(Debug)]
struct AnyIssuer;

impl CurrentTruth for AnyIssuer {
    fn truth(&self) -> Arc<Truth> {
        let (levels, cutoffs) = (Levels::default(), CutoffSet::default());
        Arc::new(Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs })
    }
}

pub(crate) fn plan(directory: PathBuf) -> Plan {
    Plan {
        trust_domain: "prod.example".parse().unwrap(),
        directory,
        unsealer: unsealer(),
        root: RootPlan::New { directory: None },
        root_unsealer: None,
        policy: None,
        operator: "ada".parse().unwrap(),
        operator_file: None,
        operator_lifetime: OPERATOR_LIFETIME,
        responder: None,
    }
}

fn unsealer() -> Unsealer {
    Unsealer::from_key([7; 32])
}

pub(crate) const NODE_LIFETIME: Duration = Duration::from_hours(7 * 24);
pub(crate) const GRACE: Duration = Duration::from_hours(7 * 24);
