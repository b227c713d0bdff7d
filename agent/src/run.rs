//! `bulkhead-agent run`: everything that lives while the agent does, and the order in which it ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bulkhead_daemon::SharedClock;
use bulkhead_daemon::Stop;
use bulkhead_daemon::{AdminError, AdminPort};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tracing::info;

use crate::ca_client::CaClient;
use crate::host::{Board, Host};
use crate::metrics::Metrics;
use crate::node_identity::{IdentityError, NodeIdentities};
use crate::sockets::{SocketDirectory, SocketError};
use crate::state::{StateDirectory, StateError};
use crate::workload_api::Limits;
use crate::workloads::Workloads;
use crate::{node_renewal, registrations};

/// What `run` is told.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// Where `join` has left the node's identity.
    pub state_directory: PathBuf,
    /// Where the workloads' sockets are made.
    pub socket_directory: PathBuf,
    /// Where the CA answers, when not where the join token said.
    pub ca_addresses: Option<Vec<String>>,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// What a workload may take.
    pub limits: Limits,
}

/// An agent that has all it needs.
#[derive(Debug)]
pub struct Agent {
    host: Arc<Host>,
    admin: AdminPort,
}

impl Agent {
    /// Takes hold of everything that can be missing, so that a wrong setting is said at once.
    pub async fn open(config: RunConfig, clock: SharedClock) -> Result<Self, RunError> {
        let state = Arc::new(StateDirectory::open(&config.state_directory)?);
        let identities = NodeIdentities::open(Arc::clone(&state), config.ca_addresses)?;
        let sockets = SocketDirectory::open(&config.socket_directory)?;
        let admin = AdminPort::bind(config.admin).await?;
        let host = Host {
            state,
            sockets,
            identities,
            ca: CaClient::new(Arc::clone(&clock)),
            clock,
            metrics: Metrics::new(),
            limits: config.limits,
            board: Board::default(),
        };
        Ok(Self { host: Arc::new(host), admin })
    }

    /// Where the admin port listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Works until stopped: no new certificates and registrations then, the workloads' streams end with a reason, and
    /// all is over when this returns.
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let Self { host, admin } = self;
        let (tell, told) = watch::channel(registrations::kept(&host)?);
        let node = host.identities.current();
        info!(id = %node.id(), not_after = %node.not_after(), admin = %admin.address(), "agent runs");
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.serve(Arc::clone(&host) as _, stop.clone()));
        tasks.spawn(node_renewal::keep_fresh(Arc::clone(&host), stop.clone()));
        tasks.spawn(registrations::follow(Arc::clone(&host), tell, stop.clone()));
        tasks.spawn(Workloads::new(host).follow(told, stop));
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(RunError::Task)?;
        }
        info!("agent has stopped");
        Ok(())
    }
}

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RunError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Sockets(#[from] SocketError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("a part of the agent has failed")]
    Task(#[source] JoinError),
}

impl RunError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::State(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Sockets(error) => error.hint().map(Into::into),
            Self::Admin(error) => Some(error.hint().into()),
            Self::Task(_) => None,
        }
    }
}
