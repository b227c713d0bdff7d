//! `bulkhead node`: who is admitted, and throwing one out.

use std::io::{self, BufRead, IsTerminal, Write};

use bulkhead_mesh::{Label, NodeName, Period, Reason};
use clap::Subcommand;

use crate::client::{Client, ClientError};
use crate::near::near;
use crate::record::{Node, Position, Receipt};
use crate::session::Session;
use crate::{CliError, Exit};

/// What can be done with nodes.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Lists every node: name, epoch, clearance, state, serial, end of its certificate.
    #[command(after_help = "Example:\n  bulkhead node list -o json")]
    List,
    /// Shows one node.
    #[command(after_help = "Example:\n  bulkhead node show n1")]
    Show {
        /// The node's name.
        name: NodeName,
    },
    /// Lets a node of a Kubernetes cluster in: once, when its agent comes and proves by its token to stand on it.
    ///
    /// A machine that took the place of an admitted one under its name is let in the same way. A node that is not in the
    /// cluster joins by `bulkhead token create`.
    #[command(after_help = "\
Example:
  bulkhead node admit worker-7 --clearance confidential:pci")]
    Admit(Admit),
    /// Cuts a node off, everywhere and for good: the CA refuses it everything, and every proxy closes its connections.
    ///
    /// On a terminal it asks for the node's name once more, unless `--yes` is given; elsewhere it never asks.
    #[command(after_help = "\
Exit code 3: the node is revoked, but at the deadline of `--wait` not everybody was known to enforce it.

Example:
  bulkhead node revoke n1 --reason \"stolen disk, INC-4711\" --wait")]
    Revoke(Revoke),
}

/// Which node is let in.
#[derive(Debug, clap::Args)]
pub struct Admit {
    /// The node's name in its cluster.
    name: NodeName,
    /// The highest label of which the node's workloads may be.
    #[arg(long, value_name = "LABEL")]
    clearance: Label,
    /// How long this waits for the node to come.
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    lifetime: Period,
}

/// How a node is revoked.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// The node's name.
    name: NodeName,
    /// Why: one line that every log will show.
    #[arg(long)]
    reason: Reason,
    /// Waits for the receipt: who enforces the revocation, and until when those who are silent may go on.
    #[arg(long)]
    wait: bool,
    /// How long to wait for the receipt.
    #[arg(long, value_name = "PERIOD", default_value = "10s", requires = "wait")]
    timeout: Period,
    /// Does not ask.
    #[arg(long, short)]
    yes: bool,
}

impl NodeCommand {
    /// Runs the command.
    pub async fn run(self, session: &Session) -> Result<Exit, CliError> {
        match self {
            Self::List => session.show(session.client().await?.nodes().await?.as_slice())?,
            Self::Show { name } => session.show(&find(&mut session.client().await?, &name).await?)?,
            Self::Admit(Admit { name, clearance, lifetime }) => {
                session.show(&session.client().await?.admit_node(name, clearance, lifetime.duration()).await?)?;
            }
            Self::Revoke(revoke) => return revoke.run(session).await,
        }
        Ok(Exit::Done)
    }
}

impl Revoke {
    async fn run(self, session: &Session) -> Result<Exit, CliError> {
        let mut client = session.client().await?;
        if !self.yes && io::stdin().is_terminal() {
            confirm(&find(&mut client, &self.name).await?, &mut io::stdin().lock(), &mut io::stderr())?;
        }
        // Nothing is asked of the CA before this where nobody is asked: it is the one call that must not wait.
        let mut revocation = match client.revoke_node(&self.name, &self.reason).await {
            Err(not_found @ ClientError::NotFound { .. }) => {
                return Err(unknown(&mut client, &self.name, not_found).await);
            }
            answer => answer?,
        };
        let receipt = self.receipt(&mut client, revocation.position).await;
        revocation.receipt = receipt.as_ref().ok().cloned().flatten();
        // The revocation stands, so it is said whatever became of the receipt.
        session.show(&revocation)?;
        match receipt {
            Err(source) => Err(CliError::NoReceipt { name: self.name, source }),
            Ok(Some(receipt)) if !receipt.complete => Ok(Exit::Incomplete),
            Ok(_) => Ok(Exit::Done),
        }
    }

    async fn receipt(&self, client: &mut Client, position: Position) -> Result<Option<Receipt>, ClientError> {
        if self.wait { client.receipt(position, self.timeout.duration()).await.map(Some) } else { Ok(None) }
    }
}

/// What to say of a node that the CA does not know: who may have been meant, or else what the CA said.
pub(crate) async fn unknown(client: &mut Client, name: &NodeName, not_found: ClientError) -> CliError {
    match client.nodes().await {
        Ok(nodes) if nodes.iter().all(|node| node.name != *name) => no_node(name, &nodes),
        // It is there, so something else was not found; or this operator may not see the nodes.
        _ => not_found.into(),
    }
}

async fn find(client: &mut Client, name: &NodeName) -> Result<Node, CliError> {
    let nodes = client.nodes().await?;
    nodes.iter().find(|node| node.name == *name).cloned().ok_or_else(|| no_node(name, &nodes))
}

fn no_node(name: &NodeName, nodes: &[Node]) -> CliError {
    let near = near(name.as_str(), nodes.iter().map(|node| node.name.as_str()));
    CliError::NoNode { name: name.clone(), near: near.into_iter().map(String::from).collect() }
}

/// Has the person type the name: a `y` is typed before one has read for what.
fn confirm(node: &Node, answer: &mut impl BufRead, question: &mut impl Write) -> Result<(), CliError> {
    let Node { name, epoch, clearance, state, .. } = node;
    let state = state.as_str();
    let ask =
        format!("{name} (epoch {epoch}, {clearance}, {state}) will be cut off for good. Type its name to revoke it: ");
    question.write_all(ask.as_bytes()).and_then(|()| question.flush()).map_err(CliError::Ask)?;
    let mut typed = String::new();
    answer.read_line(&mut typed).map_err(CliError::Ask)?;
    if typed.trim() == name.as_str() { Ok(()) } else { Err(CliError::NotConfirmed { name: name.clone() }) }
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::Epoch;

    use super::*;

    fn node(name: &str) -> Node {
        Node {
            name: name.parse().unwrap(),
            epoch: Epoch::FIRST,
            clearance: "internal".parse().unwrap(),
            state: "admitted".parse().unwrap(),
            serial: None,
            expires: None,
        }
    }

    #[test]
    fn only_the_nodes_name_confirms() {
        for (typed, confirmed) in [("n1\n", true), ("n1", true), ("y\n", false), ("n2\n", false), ("", false)] {
            let mut question = Vec::new();
            assert_eq!(confirm(&node("n1"), &mut typed.as_bytes(), &mut question).is_ok(), confirmed, "{typed:?}");
            assert!(
                String::from_utf8(question).unwrap().starts_with("n1 (epoch 1, internal, admitted) will be cut off")
            );
        }
    }

    #[test]
    fn a_mistyped_name_is_answered_with_the_near_ones() {
        let error = no_node(&"web-1".parse().unwrap(), &[node("web-2"), node("ledger"), node("wbe-1")]);
        assert_eq!(error.to_string(), "there is no node `web-1`");
        assert_eq!(error.hint().unwrap(), "did you mean `wbe-1` or `web-2`?");
        let nothing_near = no_node(&"web-1".parse().unwrap(), &[]);
        assert!(nothing_near.hint().unwrap().contains("`bulkhead node list`"));
    }
}
