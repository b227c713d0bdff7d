//! Why a command failed, what the reader can do about it, and with which exit code.

use std::io;
use std::path::PathBuf;

use bulkhead_mesh::NodeName;

use crate::Exit;
use crate::client::ClientError;
use crate::identity::IdentityError;
use crate::policy::PolicyFileError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum CliError {
    #[error("no address of the CA is known; looked at `--ca` and `BULKHEAD_CA`")]
    NoCa,
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    PolicyFile(#[from] PolicyFileError),
    #[error("there is no node `{name}`")]
    NoNode { name: NodeName, near: Vec<String> },
    #[error("nothing was revoked: what was typed is not `{name}`")]
    NotConfirmed { name: NodeName },
    #[error("`{name}` is revoked, but its receipt did not arrive")]
    NoReceipt { name: NodeName, source: ClientError },
    #[error("cannot write the token to {path}", path = .path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    #[error("cannot ask for confirmation")]
    Ask(#[source] io::Error),
    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),
    #[error("cannot start")]
    Runtime(#[source] io::Error),
}

impl CliError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCa => Some("say where it answers, e.g. `--ca ca.prod.example:15010`".into()),
            Self::Identity(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::PolicyFile(error) => error.hint(),
            Self::NoNode { near, .. } => Some(did_you_mean(near)),
            Self::NotConfirmed { .. } => Some("`--yes` revokes without asking".into()),
            Self::NoReceipt { .. } => Some("`bulkhead node show` tells its state; revoking again does no harm".into()),
            Self::TokenFile { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                Some("a file that is there already is never overwritten".into())
            }
            _ => None,
        }
    }

    /// With which code the command ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoCa | Self::Identity(_) => Exit::NotReached,
            Self::Client(error) if error.is_out_of_reach() => Exit::NotReached,
            Self::NoReceipt { .. } => Exit::Incomplete,
            _ => Exit::Failed,
        }
    }
}

fn did_you_mean(near: &[String]) -> String {
    let names: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    match names[..] {
        [] => "`bulkhead node list` shows the names; a node comes in by a join token".into(),
        _ => format!("did you mean {}?", names.join(" or ")),
    }
}
