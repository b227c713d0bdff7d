//! What an identity is for: read from the path of a SPIFFE ID, demanded by each face of each server.

use std::fmt;
use std::str::FromStr;

use super::node::{NodeName, OperatorName};
use super::spiffe_id::{ParseSpiffeIdError, SpiffeId, is_segment_character};
use super::text::serde_by_text;
use super::trust_domain::TrustDomain;

/// What the path of a SPIFFE ID says its holder may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// `/ns/<namespace>/sa/<service-account>`: a workload, the only purpose that may open a tunnel.
    Workload(WorkloadName),
    /// `/node/<name>`: a node, which asks for its workloads' certificates.
    Node(NodeName),
    /// `/operator/<name>`: somebody who commands the CA.
    Operator(OperatorName),
    /// `/control/<role>`: the authority itself.
    Control(ControlRole),
}

/// The authority's own roles, one certificate each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlRole {
    /// Serves Join, Issue, Watch and Admin.
    Ca,
    /// Signs the facts of the feed.
    Feed,
    /// Writes the directory.
    Directory,
}

/// A workload's account, written `ns/<namespace>/sa/<service-account>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadName {
    namespace: Box<str>,
    service_account: Box<str>,
}

impl Purpose {
    /// Reads the purpose from an ID's path; `None` when the path has no purpose in this mesh.
    pub fn of(id: &SpiffeId) -> Option<Self> {
        let path = id.path().strip_prefix('/')?;
        let segments: Vec<&str> = path.split('/').collect();
        match segments[..] {
            ["ns", _, "sa", _] => path.parse().ok().map(Self::Workload),
            ["node", name] => name.parse().ok().map(Self::Node),
            ["operator", name] => name.parse().ok().map(Self::Operator),
            ["control", role] => ControlRole::ALL.into_iter().find(|known| known.as_str() == role).map(Self::Control),
            _ => None,
        }
    }

    /// The SPIFFE ID of this purpose's holder in `trust_domain`.
    pub fn id(&self, trust_domain: &TrustDomain) -> Result<SpiffeId, ParseSpiffeIdError> {
        SpiffeId::new(trust_domain.clone(), &format!("/{self}"))
    }
}

impl fmt::Display for Purpose {
    /// The path without its leading slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(name) => name.fmt(f),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Operator(name) => write!(f, "operator/{name}"),
            Self::Control(role) => write!(f, "control/{}", role.as_str()),
        }
    }
}

impl ControlRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Ca, Self::Feed, Self::Directory];

    /// The last segment of the role's path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Feed => "feed",
            Self::Directory => "directory",
        }
    }
}

impl WorkloadName {
    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The service account.
    pub fn service_account(&self) -> &str {
        &self.service_account
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ns/{}/sa/{}", self.namespace, self.service_account)
    }
}

impl FromStr for WorkloadName {
    type Err = ParseWorkloadNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseWorkloadNameError { text: text.into() };
        let segments: Vec<&str> = text.split('/').collect();
        match segments[..] {
            ["ns", namespace, "sa", account] if is_segment(namespace) && is_segment(account) => {
                Ok(Self { namespace: namespace.into(), service_account: account.into() })
            }
            _ => Err(refuse()),
        }
    }
}

serde_by_text!(WorkloadName);

/// Why a text is not a workload's account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not `ns/<namespace>/sa/<service-account>`, each 1 to {MAX_SEGMENT} letters, digits, `.`, `-` and `_`"
)]
pub struct ParseWorkloadNameError {
    text: String,
}

fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.len() <= MAX_SEGMENT && text.chars().all(is_segment_character)
}

/// As long as the longest Kubernetes object name.
const MAX_SEGMENT: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(path: &str) -> Option<Purpose> {
        Purpose::of(&format!("spiffe://prod.example{path}").parse().unwrap())
    }

    #[test]
    fn the_path_says_the_purpose() {
        for path in
            ["/ns/shop/sa/web", "/node/n1", "/operator/ada", "/control/ca", "/control/feed", "/control/directory"]
        {
            assert_eq!(purpose(path).map(|purpose| format!("/{purpose}")).as_deref(), Some(path));
        }
    }

    #[test]
    fn any_other_path_has_no_purpose() {
        for path in [
            "/ns/shop/sa",
            "/ns/shop/sa/web/x",
            "/NS/shop/sa/web",
            "/node/N1",
            "/node/a/b",
            "/control/root",
            "/operator",
            "/x",
        ] {
            assert_eq!(purpose(path), None, "{path}");
        }
    }

    #[test]
    fn a_purpose_makes_the_id_it_was_read_from() {
        let id: SpiffeId = "spiffe://prod.example/ns/shop/sa/web".parse().unwrap();
        assert_eq!(Purpose::of(&id).unwrap().id(id.trust_domain()), Ok(id));
    }
}
