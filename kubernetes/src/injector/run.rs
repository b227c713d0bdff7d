//! Everything that lives while the injector does.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{AdminPort, SharedClock, Stop, Subject, SystemClock};
use kube::Client;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::info;

use super::certificate::{Keeper, KeeperTools, Served};
use super::config::Config;
use super::desk::Desk;
use super::error::InjectorError;
use super::events::{Writer, post_office};
use super::metrics::Metrics;
use super::namespaces::Namespaces;
use super::server::Server;

/// An injector that has all it needs.
pub(crate) struct Injector {
    server: Server,
    admin: AdminPort,
    keeper: Keeper,
    namespaces: Namespaces,
    writer: Writer,
    condition: Arc<Condition>,
}

impl Injector {
    /// Takes hold of everything that can be missing, so that a wrong setting is said at once.
    pub(crate) async fn open(config: Config) -> Result<Self, InjectorError> {
        let client = cluster().await?;
        let (metrics, clock) = (Metrics::new(), Arc::new(SystemClock::default()) as SharedClock);
        let (provider, shown) = (Arc::new(default_provider()), Arc::new(Served::default()));
        let namespaces = Namespaces::new(client.clone(), config.never_injected);
        let (postbox, writer) = post_office(client.clone(), config.event_pause, metrics.clone());
        let desk = Desk {
            settings: config.settings,
            namespaces: namespaces.clone(),
            postbox,
            clock: Arc::clone(&clock),
            metrics: metrics.clone(),
        };
        let acceptor = acceptor(&shown, &provider)?;
        let listening = Server::bind(config.listen, acceptor, config.limits, desk).await;
        let server = listening.map_err(|source| InjectorError::Listen { address: config.listen, source })?;
        let admin = AdminPort::bind_exposed(config.admin).await.map_err(InjectorError::Admin)?;
        let condition =
            Arc::new(Condition { served: Arc::clone(&shown), clock: Arc::clone(&clock), metrics: metrics.clone() });
        let tools = KeeperTools { client, clock, provider, metrics };
        let keeper = Keeper::new(config.certificate, tools, shown);
        Ok(Self { server, admin, keeper, namespaces, writer, condition })
    }

    /// Answers until stopped.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), InjectorError> {
        let Self { server, admin, keeper, namespaces, writer, condition } = self;
        let listen = server.address().map(|address| address.to_string()).unwrap_or_default();
        info!(listen, admin = %admin.address(), "injector runs");
        // While it goes on answering for a moment, everything else goes on, too.
        let (stopper, late) = bulkhead_daemon::Stopper::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.serve(condition, late.clone()));
        tasks.spawn(keeper.run(late));
        tasks.spawn(namespaces.follow());
        tasks.spawn(writer.write());
        let ended = tokio::select! {
            () = server.serve(stop) => Ok(()),
            Some(ended) = tasks.join_next() => ended.map_err(InjectorError::Task),
        };
        drop(stopper);
        tasks.shutdown().await;
        info!("injector has stopped");
        ended
    }
}

fn acceptor(served: &Arc<Served>, provider: &Arc<CryptoProvider>) -> Result<TlsAcceptor, InjectorError> {
    let tls = served.tls(Arc::clone(provider)).map_err(InjectorError::Tls)?;
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

/// The cluster around this program, or the one that KUBECONFIG names.
async fn cluster() -> Result<Client, InjectorError> {
    let mut config = kube::Config::infer().await.map_err(InjectorError::NoCluster)?;
    // A watch says something at least once a minute, if only that it ends.
    config.read_timeout = Some(SILENCE);
    Client::try_from(config).map_err(InjectorError::Client)
}

/// What the admin port tells.
struct Condition {
    served: Arc<Served>,
    clock: SharedClock,
    metrics: Metrics,
}

impl Subject for Condition {
    fn not_ready(&self) -> Option<String> {
        self.served.not_ready(self.clock.now()).map(str::to_owned)
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }
}

/// A connection to the API server on which nothing has come for so long is dead.
const SILENCE: Duration = Duration::from_secs(80);
