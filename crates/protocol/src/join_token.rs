//! The join token: everything that a new node needs to know, in one line of text that is a secret.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bulkhead_identity::bundle::TrustBundle;
use bulkhead_mesh::{NodeName, TrustDomain};
use prost::Message as _;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::v1;

/// A secret that admits one node once, with the CA's addresses and roots.
///
/// Its text goes into a file or a pipe, never into an argument list; `Debug` shows all but the secret.
pub struct JoinToken {
    /// What the CA knows by its hash.
    pub secret: JoinSecret,
    /// The node that it admits.
    pub node: NodeName,
    /// Where the CA answers, `host:port`, at least one.
    pub ca_addresses: Vec<String>,
    /// The trust domain, and the roots that the CA's own certificate must lead to.
    pub bundle: TrustBundle,
}

/// 32 random bytes, wiped when dropped.
#[derive(Clone)]
pub struct JoinSecret(Zeroizing<[u8; JoinSecret::BYTES]>);

impl JoinSecret {
    /// The length of a secret.
    pub const BYTES: usize = 32;

    /// The secret that these random bytes are.
    pub fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret in these bytes; `None` when they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        <[u8; Self::BYTES]>::try_from(bytes).ok().map(Self::from_random)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// What the CA stores and looks for: SHA-256 of the secret. The secret is random and long, so no salt is needed.
    pub fn hash(&self) -> [u8; 32] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.as_bytes());
        digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl JoinToken {
    /// The token as one line of text.
    pub fn to_text(&self) -> Zeroizing<String> {
        let message = v1::JoinToken {
            secret: self.secret.as_bytes().to_vec(),
            trust_domain: self.bundle.trust_domain().to_string(),
            node: self.node.to_string(),
            ca_addresses: self.ca_addresses.clone(),
            roots: self.bundle.roots().iter().map(|root| root.to_vec()).collect(),
        };
        Zeroizing::new(format!("{PREFIX}{}", BASE64.encode(Zeroizing::new(message.encode_to_vec()))))
    }
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_TEXT {
            return Err(JoinTokenError::TooLong { bytes: text.len() });
        }
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(JoinTokenError::Prefix)?;
        let bytes = Zeroizing::new(BASE64.decode(encoded).map_err(|_| JoinTokenError::Damaged)?);
        let message = v1::JoinToken::decode(bytes.as_slice()).map_err(|_| JoinTokenError::Damaged)?;
        Self::try_from(message)
    }
}

impl TryFrom<v1::JoinToken> for JoinToken {
    type Error = JoinTokenError;

    fn try_from(message: v1::JoinToken) -> Result<Self, Self::Error> {
        let trust_domain: TrustDomain =
            message.trust_domain.parse().map_err(|_| JoinTokenError::Field("trust domain"))?;
        let roots = message.roots.into_iter().map(CertificateDer::from).collect();
        if message.ca_addresses.is_empty() || message.ca_addresses.iter().any(|address| !address.contains(':')) {
            return Err(JoinTokenError::Field("CA address"));
        }
        Ok(Self {
            secret: JoinSecret::from_slice(&message.secret).ok_or(JoinTokenError::Field("secret"))?,
            node: message.node.parse().map_err(|_| JoinTokenError::Field("node name"))?,
            ca_addresses: message.ca_addresses,
            bundle: TrustBundle::new(trust_domain, roots).map_err(|_| JoinTokenError::Field("root certificate"))?,
        })
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken")
            .field("node", &self.node)
            .field("ca_addresses", &self.ca_addresses)
            .field("trust_domain", self.bundle.trust_domain())
            .finish_non_exhaustive()
    }
}

/// Why a text is not a join token; never quotes the text, which may be most of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum JoinTokenError {
    #[error("this is not a join token: it does not begin with `{PREFIX}`")]
    Prefix,
    #[error("a join token has at most {MAX_TEXT} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the join token is damaged: it was not copied whole, or something was added")]
    Damaged,
    #[error("the join token's {0} is missing or not valid")]
    Field(&'static str),
}

const PREFIX: &str = "bulkhead-join-v1.";
/// Some roots of a few kilobytes each fit; a file that is not a token is refused before it is decoded.
const MAX_TEXT: usize = 64 * 1024;
