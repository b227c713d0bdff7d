//! `bulkhead workload`: which workload stands on which node.

use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Label, NodeName, WorkloadName};
use clap::Subcommand;

use crate::client::{Client, ClientError, NewWorkload};
use crate::record::RemovedWorkload;
use crate::session::Session;
use crate::{CliError, Exit, node};

/// What can be done with workloads.
#[derive(Debug, Subcommand)]
pub enum WorkloadCommand {
    /// Says that a workload stands on a node, so that the node may ask for its certificates.
    #[command(after_help = "\
Example:
  bulkhead workload register --workload ns/shop/sa/web --node n1 --address 10.77.1.1 --label internal")]
    Register(Register),
    /// Lists every workload: name, account, label, node, epoch, address, state, serial, end of its certificate.
    #[command(after_help = "Example:\n  bulkhead workload list")]
    List,
    /// Takes a registration back.
    #[command(after_help = "Example:\n  bulkhead workload remove 0f8fad5bd9cb469fa16570867728950e")]
    Remove {
        /// The registration, as `workload list` names it: 32 hexadecimal digits.
        #[arg(value_name = "NAME")]
        id: InstanceId,
    },
}

/// What is registered.
#[derive(Debug, clap::Args)]
pub struct Register {
    /// The account, `ns/<namespace>/sa/<service-account>`.
    #[arg(long)]
    workload: WorkloadName,
    /// The node that it stands on.
    #[arg(long)]
    node: NodeName,
    /// The address that it owns; no other workload may have it.
    #[arg(long)]
    address: IpAddr,
    /// Its label; left out, the policy's default label.
    #[arg(long)]
    label: Option<Label>,
    /// The user that may open its socket: the one that its sidecar runs as.
    #[arg(long, default_value_t = SIDECAR)]
    uid: u32,
    /// The group that may open its socket.
    #[arg(long, default_value_t = SIDECAR)]
    gid: u32,
}

impl WorkloadCommand {
    /// Runs the command.
    pub async fn run(self, session: &Session) -> Result<Exit, CliError> {
        let mut client = session.client().await?;
        match self {
            Self::Register(register) => register.run(&mut client, session).await?,
            Self::List => session.show(client.workloads().await?.as_slice())?,
            Self::Remove { id } => {
                client.remove_workload(id).await?;
                session.show(&RemovedWorkload { removed: id })?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Register {
    async fn run(self, client: &mut Client, session: &Session) -> Result<(), CliError> {
        let new = NewWorkload::from(self);
        match client.register_workload(&new).await {
            Err(not_found @ ClientError::NotFound { .. }) => Err(node::unknown(client, &new.node, not_found).await),
            answer => session.show(&answer?),
        }
    }
}

impl From<Register> for NewWorkload {
    fn from(Register { workload, node, address, label, uid, gid }: Register) -> Self {
        Self { workload, node, label, address, uid, gid }
    }
}

/// The user and group as which a sidecar runs.
const SIDECAR: u32 = 10101;
