//! `bulkhead-agent run`: everything that lives while the agent does, and the order in which it ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bulkhead_daemon::SharedClock;
use bulkhead_daemon::Stop;
use bulkhead_daemon::{AdminError, AdminPort};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tracing::info;

use crate::attestation::Attestation;
use crate::ca_client::CaClient;
use crate::host::{Board, Host};
use crate::join::JoinError as NodeJoinError;
use crate::lobby::Lobby;
use crate::metrics::Metrics;
use crate::node_identity::{IdentityError, NodeIdentities};
use crate::sockets::{SocketDirectory, SocketError};
use crate::state::{StateDirectory, StateError};
use crate::workload_api::Limits;
use crate::workloads::Workloads;
use crate::{joining, node_renewal, registrations};

/// What `run` is told.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// Where `join` has left the node's identity.
    pub state_directory: PathBuf,
    /// Where the workloads' sockets are made.
    pub socket_directory: PathBuf,
    /// Where the CA answers, when not where the join token said.
    pub ca_addresses: Option<Vec<String>>,
    /// How the node joins by itself, where its agent is a pod.
    pub attestation: Option<Attestation>,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// Whether that may be any address, and not a loopback one alone.
    pub expose_admin: bool,
    /// What a workload may take.
    pub limits: Limits,
}

/// An agent that has all it needs but perhaps its identity.
#[derive(Debug)]
pub struct Agent {
    belongings: Belongings,
    identities: Option<NodeIdentities>,
    admin: AdminPort,
}

/// What the host is made of, once there is an identity.
#[derive(Debug)]
struct Belongings {
    state: Arc<StateDirectory>,
    sockets: SocketDirectory,
    attestation: Option<Attestation>,
    ca_addresses: Option<Vec<String>>,
    clock: SharedClock,
    metrics: Metrics,
    limits: Limits,
}

impl Agent {
    /// Takes hold of everything that can be missing, so that a wrong setting is said at once.
    pub async fn open(config: RunConfig, clock: SharedClock) -> Result<Self, RunError> {
        let state = Arc::new(StateDirectory::open(&config.state_directory)?);
        let belongings = Belongings {
            sockets: SocketDirectory::open(&config.socket_directory)?,
            state,
            attestation: config.attestation,
            ca_addresses: config.ca_addresses,
            clock,
            metrics: Metrics::new(),
            limits: config.limits,
        };
        let identities = belongings.kept_identity()?;
        let exposed = config.expose_admin;
        let admin =
            if exposed { AdminPort::bind_exposed(config.admin).await } else { AdminPort::bind(config.admin).await };
        Ok(Self { belongings, identities, admin: admin? })
    }

    /// Where the admin port listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Works until stopped: no new certificates and registrations then, the workloads' streams end with a reason, and
    /// all is over when this returns.
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let Self { belongings, identities, admin } = self;
        let lobby = Arc::new(Lobby::new(belongings.metrics.clone()));
        info!(admin = %admin.address(), "the admin port answers");
        let mut tasks = JoinSet::new();
        tasks.spawn(admin.serve(Arc::clone(&lobby) as _, stop.clone()));
        if let Some(identities) = belongings.identity(identities, &lobby, &stop).await? {
            let host = Arc::new(belongings.host(identities));
            lobby.enter(Arc::clone(&host));
            serve(host, &mut tasks, stop)?;
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(RunError::Task)?;
        }
        info!("agent has stopped");
        Ok(())
    }
}

fn serve(host: Arc<Host>, tasks: &mut JoinSet<()>, stop: Stop) -> Result<(), RunError> {
    let (tell, told) = watch::channel(registrations::kept(&host)?);
    let node = host.identities.current();
    info!(id = %node.id(), not_after = %node.not_after(), "agent runs");
    tasks.spawn(node_renewal::keep_fresh(Arc::clone(&host), stop.clone()));
    tasks.spawn(registrations::follow(Arc::clone(&host), tell, stop.clone()));
    tasks.spawn(Workloads::new(host).follow(told, stop));
    Ok(())
}

impl Belongings {
    /// What an earlier run has left. That there is nothing is an error, unless the node can join by itself.
    fn kept_identity(&self) -> Result<Option<NodeIdentities>, RunError> {
        let opened = NodeIdentities::open(Arc::clone(&self.state), self.ca_addresses.clone());
        let Some(attestation) = &self.attestation else { return Ok(Some(opened?)) };
        match opened {
            Ok(identities) => {
                let serves = attestation.check(&self.state, &identities, self.clock.now())?;
                Ok(serves.then_some(identities))
            }
            Err(IdentityError::NotJoined { .. }) => Ok(None),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The identity, joined first if need be; `None` when it was stopped before.
    async fn identity(
        &self,
        kept: Option<NodeIdentities>,
        lobby: &Lobby,
        stop: &Stop,
    ) -> Result<Option<NodeIdentities>, RunError> {
        let Some(attestation) = self.attestation.as_ref().filter(|_| kept.is_none()) else { return Ok(kept) };
        tokio::select! {
            () = stop.stopped() => return Ok(None),
            joined = joining::join_at_last(attestation, &self.state, &self.clock, lobby) => joined?,
        }
        Ok(Some(NodeIdentities::open(Arc::clone(&self.state), self.ca_addresses.clone())?))
    }

    fn host(self, identities: NodeIdentities) -> Host {
        let Self { state, sockets, attestation, clock, metrics, limits, .. } = self;
        Host {
            state,
            sockets,
            identities,
            ca: CaClient::new(Arc::clone(&clock)),
            clock,
            attestation,
            doubts: Notify::new(),
            metrics,
            limits,
            board: Board::default(),
        }
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
    Join(#[from] NodeJoinError),
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
            Self::Join(error) => error.hint(),
            Self::Sockets(error) => error.hint().map(Into::into),
            Self::Admin(error) => Some(error.hint().into()),
            Self::Task(_) => None,
        }
    }
}
