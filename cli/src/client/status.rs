//! How the CA is.

use bulkhead_protocol::convert::{ConvertError, read_bytes, read_text};
use bulkhead_protocol::v1;

use super::{Client, ClientError, ask, read};
use crate::record::{Moment, Status};
use crate::text::printable;

impl Client {
    /// How the CA is.
    pub async fn status(&mut self) -> Result<Status, ClientError> {
        let reply = ask(self.admin.status(v1::StatusRequest {})).await?;
        Ok(Status {
            trust_domain: read_text("status.trust_domain", &reply.trust_domain)?,
            version: printable(&reply.version).replace('\n', " "),
            position: read::position("status.head", reply.head)?,
            nodes: reply.nodes,
            workloads: reply.workloads,
            watchers: reply.watchers,
            audit_head: hex("status.audit_head", &reply.audit_head)?,
            now: Moment::from_millis(reply.now_millis),
        })
    }
}

/// SHA-256, in hex.
fn hex(field: &'static str, digest: &[u8]) -> Result<String, ConvertError> {
    let digest: [u8; 32] = read_bytes(field, digest)?;
    Ok(digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}
