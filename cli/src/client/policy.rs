//! The policy.

use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::v1;

use super::{Client, ClientError, ask, read};
use crate::record::{AppliedPolicy, ShownPolicy};

impl Client {
    /// Puts a policy in force: the document in YAML, which the CA checks.
    pub async fn apply_policy(&mut self, yaml: String) -> Result<AppliedPolicy, ClientError> {
        let reply = ask(self.admin.apply_policy(v1::ApplyPolicyRequest { yaml })).await?;
        Ok(AppliedPolicy { position: read::position("policy.position", reply.position)? })
    }

    /// The policy in force.
    pub async fn policy(&mut self) -> Result<ShownPolicy, ClientError> {
        let reply = ask(self.admin.show_policy(v1::ShowPolicyRequest {})).await?;
        let position = reply.position.map(read::place);
        let policy = serde_json::from_str(&reply.json)
            .map_err(|problem| ConvertError::Text { field: "policy.json", problem: problem.to_string() })?;
        Ok(ShownPolicy { position, policy })
    }
}
