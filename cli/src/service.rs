//! `bulkhead service`: a virtual address in front of a workload's instances.

use std::net::IpAddr;
use std::num::NonZeroU16;

use bulkhead_mesh::{ServiceName, WorkloadName};
use clap::Subcommand;

use crate::client::NewService;
use crate::session::Session;
use crate::{CliError, Exit};

/// What can be done with services.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Gives a workload a virtual address, behind which every one of its instances answers.
    #[command(after_help = "\
Example:
  bulkhead service create --name db --address 10.77.200.1 --port 8080 --workload ns/shop/sa/db")]
    Create(Create),
    /// Lists every service.
    #[command(after_help = "Example:\n  bulkhead service list")]
    List,
}

/// What is created.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The service's name.
    #[arg(long)]
    name: ServiceName,
    /// The virtual address; no workload may have it.
    #[arg(long)]
    address: IpAddr,
    /// The virtual port.
    #[arg(long)]
    port: NonZeroU16,
    /// Whose instances answer there, `ns/<namespace>/sa/<service-account>`.
    #[arg(long)]
    workload: WorkloadName,
    /// The port at which they answer; left out, the virtual port.
    #[arg(long, value_name = "PORT")]
    target_port: Option<NonZeroU16>,
}

impl ServiceCommand {
    /// Runs the command.
    pub async fn run(self, session: &Session) -> Result<Exit, CliError> {
        let mut client = session.client().await?;
        match self {
            Self::Create(create) => session.show(&client.create_service(&create.into()).await?)?,
            Self::List => session.show(client.services().await?.as_slice())?,
        }
        Ok(Exit::Done)
    }
}

impl From<Create> for NewService {
    fn from(Create { name, address, port, workload, target_port }: Create) -> Self {
        let target_port = target_port.unwrap_or(port);
        Self { name, address, port: port.get(), workload, target_port: target_port.get() }
    }
}
