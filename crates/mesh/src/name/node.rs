//! Names of nodes, operators and services, and the epoch that tells one life of a node from the next.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::text_form;

/// Declares a name of 1 to 253 characters of `a-z`, `0-9`, `-` and `.`, which begins and ends with a letter or a digit
/// (RFC 1123 subdomain, as Kubernetes names its nodes).
macro_rules! dns_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        text_form!($name);

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check_dns_subdomain($kind, text).map(|()| Self(text.into()))
            }
        }
    };
}

dns_name!(
    /// A node's name: an RFC 1123 subdomain of at most 253 characters.
    NodeName, "node");
dns_name!(
    /// An operator's name: an RFC 1123 subdomain of at most 253 characters.
    OperatorName, "operator");
dns_name!(
    /// A service's name: an RFC 1123 subdomain of at most 253 characters.
    ServiceName, "service");

/// Which life of a node this is: 1 at its first admission, one more at each re-admission after a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch of a node's first admission.
    pub const FIRST: Self = Self(1);

    /// The epoch with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number of this epoch.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The epoch after this one; `None` after 2^32 - 1 of them.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One life of one node: what a certificate is bound to and what a revocation cuts off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeEpoch {
    /// The node's name.
    pub node: NodeName,
    /// Which of its lives.
    pub epoch: Epoch,
}

impl fmt::Display for NodeEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.epoch)
    }
}

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseNameError {
    #[error("a {kind} name has 1 to {MAX_DNS_NAME} characters, not {characters}")]
    Length { kind: &'static str, characters: usize },
    #[error("{kind} name `{text}` contains {found:?}; only a-z, 0-9, `-` and `.` are allowed")]
    Character { kind: &'static str, text: String, found: char },
    #[error("{kind} name `{text}` must begin and end with a letter or a digit, and so must each part between dots")]
    Edge { kind: &'static str, text: String },
}

fn check_dns_subdomain(kind: &'static str, text: &str) -> Result<(), ParseNameError> {
    if text.is_empty() || text.len() > MAX_DNS_NAME {
        return Err(ParseNameError::Length { kind, characters: text.chars().count() });
    }
    if let Some(found) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')) {
        return Err(ParseNameError::Character { kind, text: text.into(), found });
    }
    if text.split('.').any(|part| part.is_empty() || part.starts_with('-') || part.ends_with('-')) {
        return Err(ParseNameError::Edge { kind, text: text.into() });
    }
    Ok(())
}

/// RFC 1123, section 2.1, as Kubernetes applies it to object names.
const MAX_DNS_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_dns_subdomains() {
        for (text, valid) in [
            ("n1", true),
            ("ip-10-0-0-1.eu-west-1.compute.internal", true),
            ("1", true),
            (&"a".repeat(253), true),
            ("", false),
            ("N1", false),
            ("-n1", false),
            ("n1-", false),
            ("n1.", false),
            ("a..b", false),
            ("n_1", false),
            ("n1/..", false),
            (&"a".repeat(254), false),
        ] {
            assert_eq!(text.parse::<NodeName>().is_ok(), valid, "{text:?}");
        }
    }

    #[test]
    fn the_last_epoch_has_no_next() {
        assert_eq!(Epoch::FIRST.next(), Some(Epoch::new(2)));
        assert_eq!(Epoch::new(u32::MAX).next(), None);
    }
}
