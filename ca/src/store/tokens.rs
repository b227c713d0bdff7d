//! The table of join tokens.

use bulkhead_mesh::{NodeName, SpkiDigest, Timestamp};
use rusqlite::params;

use super::nodes::read_clearance;
use super::records::{Taken, TokenHash, TokenRecord};
use super::sql::{Row, stored_list, stored_time};
use super::{Snapshot, StoreError, Tx};

/// Why a token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum TokenRefusal {
    #[error("no token has this secret")]
    Unknown,
    #[error("the token for node `{node}` expired at {at}")]
    Expired { node: NodeName, at: Timestamp },
    #[error("the token for node `{node}` was used with another key")]
    Used { node: NodeName },
    #[error("a token with this secret exists already")]
    Exists,
}

impl TokenRefusal {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown | Self::Expired { .. } => Some("`bulkhead token create` makes a fresh one"),
            Self::Used { .. } => Some("if nobody you know used it, revoke the node; else make a fresh token"),
            Self::Exists => None,
        }
    }
}

impl Snapshot<'_> {
    /// The token with this secret, in any state.
    pub fn token(&self, secret: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        self.sql.one("SELECT * FROM tokens WHERE secret_hash = ?1", params![secret.as_bytes()], read_token)
    }
}

impl Tx<'_> {
    /// Keeps a new token.
    pub fn insert_token(&mut self, token: &TokenRecord) -> Result<(), StoreError> {
        if self.token(&token.secret_hash)?.is_some() {
            return Err(TokenRefusal::Exists.into());
        }
        self.sql.run(
            "INSERT INTO tokens (secret_hash, node, ceiling, floor, addresses, expires, used_by, may_loosen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                token.secret_hash.as_bytes(),
                token.node.as_str(),
                token.clearance.ceiling.to_string(),
                token.clearance.floor.as_ref().map(ToString::to_string),
                stored_list(&token.addresses),
                stored_time(token.expires),
                token.used_by.as_ref().map(SpkiDigest::as_bytes),
                token.may_loosen,
            ],
        )?;
        Ok(())
    }

    /// Takes a token for one public key; the same key may take it again until it expires, no other key ever.
    pub fn take_token(&mut self, secret: &TokenHash, key: SpkiDigest, now: Timestamp) -> Result<Taken, StoreError> {
        let token = self.token(secret)?.ok_or(TokenRefusal::Unknown)?;
        if token.expires <= now {
            return Err(TokenRefusal::Expired { node: token.node, at: token.expires }.into());
        }
        match token.used_by {
            Some(user) if user == key => Ok(Taken { token, again: true }),
            Some(_) => Err(TokenRefusal::Used { node: token.node }.into()),
            None => self.take_first(token, key),
        }
    }

    fn take_first(&mut self, token: TokenRecord, key: SpkiDigest) -> Result<Taken, StoreError> {
        let set = "UPDATE tokens SET used_by = ?2 WHERE secret_hash = ?1";
        self.sql.run(set, params![token.secret_hash.as_bytes(), key.as_bytes()])?;
        Ok(Taken { token: TokenRecord { used_by: Some(key), ..token }, again: false })
    }

    /// Forgets the tokens that had expired at `until`; how many.
    pub fn prune_tokens(&mut self, until: Timestamp) -> Result<usize, StoreError> {
        self.sql.run("DELETE FROM tokens WHERE expires <= ?1", params![stored_time(until)])
    }
}

fn read_token(row: &Row<'_>) -> Result<TokenRecord, StoreError> {
    Ok(TokenRecord {
        secret_hash: TokenHash::from_bytes(row.bytes("secret_hash")?),
        node: row.parsed("node")?,
        clearance: read_clearance(row)?,
        may_loosen: row.value("may_loosen")?,
        addresses: row.list("addresses")?,
        expires: row.time("expires")?,
        used_by: row.bytes_or_null("used_by")?.map(SpkiDigest::from_bytes),
    })
}
