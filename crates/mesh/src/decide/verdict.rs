//! What was decided, and on what ground.

use std::fmt;
use std::net::SocketAddr;

use super::Party;
use crate::Label;
use crate::policy::{MeshDefault, RuleName, Ruling};

/// A decision; printed, it is a sentence in the words of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict<'a> {
    /// Whether the connection may be.
    pub allow: bool,
    /// The rule or default that decided.
    pub rule: Ground<'a>,
    /// The audited denial that, once enforced, would refuse what is allowed here; `None` where it is refused anyway.
    pub would_deny: Option<&'a RuleName>,
}

/// Why a connection may or may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground<'a> {
    /// A rule says so.
    Rule(&'a RuleName),
    /// No rule speaks of it.
    Default {
        /// The mesh's default.
        default: MeshDefault,
        /// Who calls.
        client: Party<'a>,
        /// Who is called.
        server: Party<'a>,
    },
    /// A party has a label whose level this mesh does not know.
    UnknownLevel {
        /// That label.
        label: &'a Label,
    },
    /// Egress rules do not reach into the mesh.
    InsideMesh {
        /// Where the client wants to go.
        destination: SocketAddr,
    },
    /// No egress rule speaks of it.
    NoEgressRule {
        /// Who calls.
        client: Party<'a>,
        /// Where it wants to go.
        destination: SocketAddr,
    },
}

impl<'a> Verdict<'a> {
    pub(super) const fn refused(rule: Ground<'a>) -> Self {
        Self { allow: false, rule, would_deny: None }
    }

    /// What the rules say; where they say nothing, `default`.
    pub(super) fn by_rules(ruling: Ruling<'a>, default: impl FnOnce() -> (bool, Ground<'a>)) -> Self {
        let by_rule = ruling.decided.map(|(name, allow)| (allow, Ground::Rule(name)));
        let (allow, rule) = by_rule.unwrap_or_else(default);
        Self { allow, rule, would_deny: ruling.would_deny.filter(|_| allow) }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.allow { "" } else { " not" };
        match self.rule {
            Ground::Rule(name) => write!(f, "rule `{name}` {} it", if self.allow { "allows" } else { "denies" }),
            Ground::Default { default, client, server } => {
                write!(f, "{client} may{not} reach {server} (default {default})")
            }
            Ground::UnknownLevel { label } => write!(f, "this mesh has no level `{}` (label `{label}`)", label.level),
            Ground::InsideMesh { destination } => {
                write!(f, "{destination} is inside the mesh, where egress rules do not reach")
            }
            Ground::NoEgressRule { client, destination } => {
                write!(f, "{client} may not leave the mesh for {destination} (no egress rule allows it)")
            }
        }?;
        self.would_deny.map_or(Ok(()), |name| write!(f, "; audited rule `{name}` would deny it"))
    }
}
