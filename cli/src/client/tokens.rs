//! Join tokens.

use std::time::Duration;

use bulkhead_mesh::{Label, NodeName};
use bulkhead_protocol::convert::ConvertError;
use bulkhead_protocol::v1;
use zeroize::Zeroizing;

use super::{Client, ClientError, ask};
use crate::record::{Moment, Token};

/// What a token is to admit.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The node.
    pub node: NodeName,
    /// The node's clearance.
    pub clearance: Label,
    /// How long the token may wait to be used.
    pub lifetime: Duration,
}

impl Client {
    /// Makes a secret that admits one node once.
    pub async fn create_token(&mut self, new: NewToken) -> Result<Token, ClientError> {
        let request = v1::CreateTokenRequest {
            node: new.node.to_string(),
            clearance: new.clearance.to_string(),
            // Longer than a century is the CA's to refuse.
            lifetime_seconds: u32::try_from(new.lifetime.as_secs()).unwrap_or(u32::MAX),
        };
        let reply = ask(self.admin.create_token(request)).await?;
        let (token, expires) = (Zeroizing::new(reply.token), Moment::from_millis(reply.expires_millis));
        // One word, so that what is piped and copied is the token and nothing else.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "a token is one line of printable characters".into();
            return Err(ConvertError::Text { field: "token", problem }.into());
        }
        Ok(Token { node: new.node, token, expires })
    }
}
