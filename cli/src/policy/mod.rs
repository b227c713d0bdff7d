//! `bulkhead policy`: who may talk to whom.

mod file;

use std::path::PathBuf;

use bulkhead_mesh::Policy;
use clap::Subcommand;

pub use file::PolicyFileError;

use crate::session::Session;
use crate::{CliError, Exit, print};

/// What can be done with the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Puts a policy in force, in the place of the one before; the CA and every proxy check it by the same rules.
    #[command(after_help = "\
Example:
  bulkhead policy apply -f policy.yaml")]
    Apply {
        /// The policy in YAML; `-` reads it from stdin.
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
    },
    /// Prints the policy in force, in a form that `policy apply` reads.
    #[command(after_help = "Example:\n  bulkhead policy show > policy.yaml")]
    Show,
}

impl PolicyCommand {
    /// Runs the command.
    pub async fn run(self, session: &Session) -> Result<Exit, CliError> {
        match self {
            Self::Apply { file } => {
                let (yaml, policy) = file::read(&file)?;
                warn(&policy);
                session.show(&session.client().await?.apply_policy(yaml).await?)?;
            }
            Self::Show => session.show(&session.client().await?.policy().await?)?,
        }
        Ok(Exit::Done)
    }
}

/// What is allowed and yet hardly meant.
fn warn(policy: &Policy) {
    if policy.mesh_cidrs().is_empty() {
        print::note(
            "WARNING: `mesh-cidrs` is empty, so no address is inside the mesh: nothing is encrypted, and everything a \
             workload calls is decided by the egress rules\nhint: list the ranges of the workloads' addresses, e.g. \
             `mesh-cidrs: [10.77.0.0/16]`",
        );
    }
}
