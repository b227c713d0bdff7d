//! To which mesh a node belongs: trust domain, name, where the CA answers, and the roots.

use bulkhead_identity::TrustBundle;
use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::{NodeName, Purpose, SpiffeId, TrustDomain};
use bulkhead_protocol::join_token::JoinToken;
use serde::{Deserialize, Serialize};

/// What a node knows of its mesh apart from its own key and certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The node's name.
    pub node: NodeName,
    /// Where the CA answers, `host:port`.
    pub ca_addresses: Vec<String>,
    /// The trust domain and its roots.
    pub bundle: TrustBundle,
}

impl Membership {
    /// What a join token says.
    pub fn of_token(token: &JoinToken) -> Self {
        let JoinToken { node, ca_addresses, bundle, .. } = token;
        Self { node: node.clone(), ca_addresses: ca_addresses.clone(), bundle: bundle.clone() }
    }

    /// The node's own SPIFFE ID.
    pub fn id(&self) -> Result<SpiffeId, ParseSpiffeIdError> {
        Purpose::Node(self.node.clone()).id(self.bundle.trust_domain())
    }

    /// Whether both are the same node of the same mesh.
    pub fn is_same_node(&self, other: &Self) -> bool {
        self.node == other.node && self.bundle.trust_domain() == other.bundle.trust_domain()
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let document = Document {
            version: VERSION,
            trust_domain: self.bundle.trust_domain().clone(),
            node: self.node.clone(),
            ca_addresses: self.ca_addresses.clone(),
            roots: self.bundle.to_pem(),
        };
        serde_json::to_vec_pretty(&document).expect("strings and numbers can always be written as JSON")
    }

    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if document.version != VERSION {
            return Err(format!("it is of version {}, and this agent reads version {VERSION}", document.version));
        }
        let bundle =
            TrustBundle::from_pem(document.trust_domain, &document.roots).map_err(|error| error.to_string())?;
        Ok(Self { node: document.node, ca_addresses: document.ca_addresses, bundle })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    trust_domain: TrustDomain,
    node: NodeName,
    ca_addresses: Vec<String>,
    roots: String,
}

const VERSION: u32 = 1;
