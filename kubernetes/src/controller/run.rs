//! Everything that lives while the controller does, and the order in which it ends.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{AdminPort, SharedClock, Stop};
use kube::Client;
use tokio::task::JoinSet;
use tracing::info;

use super::authority::{Authority, Files, Identities};
use super::cluster::Sight;
use super::directory::Limits;
use super::directory::link::Link;
use super::error::ControllerError;
use super::metrics::{Kind, Metrics};
use super::seen::{ConfigMap, EndpointSlice, Namespace, Pod, Service};
use super::shared::Shared;
use super::trust::Keeper;
use super::uninjected::Lookout;
use super::watching::{Watched, watch};

/// What the controller is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CA's addresses, `host:port`.
    pub ca: Vec<String>,
    /// What Kubernetes keeps fresh in the pod.
    pub files: Files,
    /// Namespaces that are never injected.
    pub excluded: BTreeSet<Box<str>>,
    /// What the ConfigMaps with the mesh's roots are called.
    pub trust_map: String,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// How much is kept and told.
    pub limits: Limits,
}

/// A controller that has all it needs.
pub struct Controller {
    config: Config,
    client: Client,
    clock: SharedClock,
    admin: AdminPort,
}

/// The cluster around this program, or the one that KUBECONFIG names.
pub(super) async fn cluster() -> Result<Client, ControllerError> {
    let inferred = kube::Config::infer().await;
    let mut config = inferred.map_err(|source| ControllerError::NoCluster(Box::new(source)))?;
    // A watch says something at least once a minute, if only that it ends.
    config.read_timeout = Some(SILENCE);
    Client::try_from(config).map_err(|source| ControllerError::Client(Box::new(source)))
}

impl Controller {
    /// Takes hold of everything that can be missing, so that a wrong setting is said at once.
    pub async fn open(config: Config, client: Client, clock: SharedClock) -> Result<Self, ControllerError> {
        config.files.roots()?;
        let admin = AdminPort::bind_exposed(config.admin).await?;
        Ok(Self { config, client, clock, admin })
    }

    /// Where the admin port listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Works until stopped. Nothing has to be finished then: the next controller begins with everything.
    pub async fn run(self, stop: Stop) -> Result<(), ControllerError> {
        let Self { config, client, clock, admin } = self;
        info!(admin = %admin.address(), "controller runs");
        let metrics = Metrics::new();
        let shared = Arc::new(Shared::new(config.limits, metrics.clone()));
        let authority = Authority::new(config.ca, config.files.clone(), Arc::clone(&clock));
        let identities = Arc::new(Identities::new(authority.clone(), clock, metrics));
        let excluded = Arc::new(config.excluded);
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.serve(Arc::clone(&shared) as _, stop.clone()));
        watch_all(&mut tasks, &client, &shared, &config.trust_map);
        let renewing = Arc::clone(&identities);
        tasks.spawn(async move { renewing.keep_fresh().await });
        let link = Link { shared: Arc::clone(&shared), authority, identities, limits: config.limits };
        tasks.spawn(async move { link.keep_telling().await });
        tasks.spawn(Lookout::new(Arc::clone(&shared), client.clone(), Arc::clone(&excluded)).look_out());
        let keeper = Keeper { shared, client, files: config.files, excluded, name: config.trust_map };
        tasks.spawn(async move { keeper.keep().await });
        let ended = tokio::select! {
            () = stop.stopped() => Ok(()),
            Some(ended) = tasks.join_next() => ended.map_err(ControllerError::Task),
        };
        tasks.shutdown().await;
        info!("controller has stopped");
        ended
    }
}

fn watch_all(tasks: &mut JoinSet<()>, client: &Client, shared: &Arc<Shared>, trust_map: &str) {
    let (client, shared) = (|| client.clone(), || Arc::clone(shared));
    let watched = Watched::<Pod> { kind: Kind::Pods, sight: Sight::Pod, named: None };
    tasks.spawn(watch(client(), shared(), watched));
    let watched = Watched::<Service> { kind: Kind::Services, sight: Sight::Service, named: None };
    tasks.spawn(watch(client(), shared(), watched));
    let watched = Watched::<EndpointSlice> { kind: Kind::Slices, sight: Sight::Slice, named: None };
    tasks.spawn(watch(client(), shared(), watched));
    let watched = Watched::<Namespace> { kind: Kind::Namespaces, sight: Sight::Namespace, named: None };
    tasks.spawn(watch(client(), shared(), watched));
    let named = Some(trust_map.to_owned());
    let watched = Watched::<ConfigMap> { kind: Kind::TrustMaps, sight: Sight::TrustMap, named };
    tasks.spawn(watch(client(), shared(), watched));
}

/// A connection to the API server on which nothing has come for so long is dead.
const SILENCE: Duration = Duration::from_secs(80);
