//! Nodes: listing, revoking, and waiting for a receipt.

use std::time::Duration;

use bulkhead_mesh::{Epoch, InstanceId, Label, NodeName, Reason};
use bulkhead_protocol::convert::{ConvertError, read_bytes, read_text};
use bulkhead_protocol::v1;
use tokio::time::{Instant, timeout_at};

use super::{Client, ClientError, ask, read};
use crate::record::{Moment, Node, NodeOrder, Position, Receipt, Revocation, Silent};

impl Client {
    /// Every node on record.
    pub async fn nodes(&mut self) -> Result<Vec<Node>, ClientError> {
        let reply = ask(self.admin.list_nodes(v1::ListNodesRequest {})).await?;
        Ok(reply.nodes.iter().map(node).collect::<Result<_, _>>()?)
    }

    /// Lets a node of a cluster in when it comes.
    pub async fn admit_node(
        &mut self,
        node: NodeName,
        clearance: Label,
        lifetime: Duration,
    ) -> Result<NodeOrder, ClientError> {
        let request = v1::AdmitNodeRequest {
            node: node.to_string(),
            clearance: clearance.to_string(),
            // Longer than a century is the CA's to refuse.
            lifetime_seconds: u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX),
        };
        let expires = Moment::from_millis(ask(self.admin.admit_node(request)).await?.expires_millis);
        Ok(NodeOrder { node, clearance, expires })
    }

    /// Cuts a node off, everywhere and for good.
    pub async fn revoke_node(&mut self, name: &NodeName, reason: &Reason) -> Result<Revocation, ClientError> {
        let request = v1::RevokeNodeRequest { node: name.to_string(), reason: reason.to_string() };
        Ok(revocation(&ask(self.admin.revoke_node(request)).await?)?)
    }

    /// Waits until every instance enforces what was committed at `position`, or `wait` has passed.
    ///
    /// When the stream breaks, the last that was heard counts, as not complete.
    pub async fn receipt(&mut self, position: Position, wait: Duration) -> Result<Receipt, ClientError> {
        let Position { incarnation, n } = position;
        let wait_millis = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let request = v1::WatchReceiptRequest { position: Some(v1::Position { incarnation, n }), wait_millis };
        // The CA keeps the deadline; ours is for a CA that is gone.
        let deadline = Instant::now() + wait + GRACE;
        let mut receipts = ask(self.admin.watch_receipt(request)).await?;
        let mut last = None;
        loop {
            let next = match timeout_at(deadline, receipts.message()).await {
                Ok(Ok(Some(receipt))) => receipt,
                Ok(Ok(None)) => return last.ok_or(ClientError::CutShort),
                Ok(Err(status)) => return last.ok_or_else(|| status.into()),
                Err(_) => return last.ok_or(ClientError::Silent { limit: wait + GRACE }),
            };
            let receipt = receipt(&next)?;
            if next.complete {
                return Ok(receipt);
            }
            last = Some(receipt);
        }
    }
}

fn node(node: &v1::Node) -> Result<Node, ConvertError> {
    Ok(Node {
        name: read_text("node.name", &node.name)?,
        epoch: Epoch::new(node.epoch),
        clearance: read_text("node.clearance", &node.clearance)?,
        state: read::word("node.state", &node.state)?,
        serial: read::serial("node.serial", &node.serial)?,
        expires: read::expires(node.expires_millis),
    })
}

fn revocation(revocation: &v1::Revocation) -> Result<Revocation, ConvertError> {
    Ok(Revocation {
        node: read_text("revocation.node", &revocation.node)?,
        epoch: Epoch::new(revocation.epoch),
        committed: Moment::from_millis(revocation.committed_millis),
        position: read::position("revocation.position", revocation.position)?,
        receipt: None,
    })
}

fn receipt(receipt: &v1::Receipt) -> Result<Receipt, ConvertError> {
    let silent: Vec<_> = receipt.silent.iter().map(silent).collect::<Result<_, _>>()?;
    Ok(Receipt {
        expected: receipt.expected,
        enforced: receipt.enforced,
        elapsed_millis: receipt.elapsed_millis,
        connections_closed: receipt.connections_closed,
        complete: receipt.complete && silent.is_empty() && receipt.enforced >= receipt.expected,
        silent,
    })
}

fn silent(silent: &v1::Silent) -> Result<Silent, ConvertError> {
    Ok(Silent {
        instance: InstanceId::from_bytes(read_bytes("silent.instance", &silent.instance)?),
        workload: read_text("silent.id", &silent.id)?,
        node: read_text("silent.node", &silent.node)?,
        exposed_until: Moment::from_millis(silent.exposed_until_millis),
    })
}

const GRACE: Duration = Duration::from_secs(5);
