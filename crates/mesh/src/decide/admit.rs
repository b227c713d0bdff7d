//! From a decision to a deed: nothing is connected without a [`Permit`].

use std::fmt;
use std::net::SocketAddr;

use super::{Flow, Ground, Party, Verdict, decide, decide_egress};
use crate::Timestamp;
use crate::policy::{MeshDefault, Policy, RuleName};

/// The proof that a connection was decided and may be: only [`Policy::admit`] and [`Policy::admit_egress`] make one.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    port: u16,
    ground: PermitGround,
    would_deny: Option<RuleName>,
}

/// What let a connection pass; printed, it is what the log says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermitGround {
    /// This rule.
    Rule(RuleName),
    /// The mesh's default.
    Default(MeshDefault),
}

/// A connection was decided and may not be; printed, it is the sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    rule: Option<RuleName>,
    sentence: Box<str>,
    hint: Option<&'static str>,
}

/// The kinds of refusal, for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// A rule denies it.
    Rule,
    /// The mesh's default does not allow it.
    Default,
    /// A level is unknown.
    UnknownLevel,
    /// An egress destination lies inside the mesh.
    InsideMesh,
    /// No egress rule allows it.
    Egress,
}

impl Policy {
    /// Decides about a connection between two parties of the mesh.
    pub fn admit(&self, flow: &Flow<'_>, now: Timestamp) -> Result<Permit, Refusal> {
        Permit::from_verdict(&decide(flow, self, now), flow.port)
    }

    /// Decides about a connection out of the mesh.
    pub fn admit_egress(&self, client: Party<'_>, to: SocketAddr, now: Timestamp) -> Result<Permit, Refusal> {
        Permit::from_verdict(&decide_egress(client, to, self, now), to.port())
    }
}

impl Permit {
    /// A ground that never allows is refused even if it should come with `allow`.
    fn from_verdict(verdict: &Verdict<'_>, port: u16) -> Result<Self, Refusal> {
        let ground = match verdict.rule {
            Ground::Rule(name) if verdict.allow => PermitGround::Rule(name.clone()),
            Ground::Default { default, .. } if verdict.allow => PermitGround::Default(default),
            _ => return Err(Refusal::from_verdict(verdict)),
        };
        Ok(Self { port, ground, would_deny: verdict.would_deny.cloned() })
    }

    /// The port that may be reached.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What let it pass.
    pub fn ground(&self) -> &PermitGround {
        &self.ground
    }

    /// The audited denial that, once enforced, would have refused it.
    pub fn would_deny(&self) -> Option<&RuleName> {
        self.would_deny.as_ref()
    }
}

impl Refusal {
    fn from_verdict(verdict: &Verdict<'_>) -> Self {
        let (kind, rule, hint) = match verdict.rule {
            Ground::Rule(name) => (RefusalKind::Rule, Some(name.clone()), None),
            Ground::Default { client, server, .. } => (RefusalKind::Default, None, hint(client, server)),
            Ground::UnknownLevel { .. } => (RefusalKind::UnknownLevel, None, None),
            Ground::InsideMesh { .. } => (RefusalKind::InsideMesh, None, None),
            Ground::NoEgressRule { .. } => (RefusalKind::Egress, None, Some(ALLOW_EGRESS)),
        };
        Self { kind, rule, sentence: verdict.to_string().into(), hint }
    }

    /// The kind of refusal.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The rule that denies it; `None` where no rule spoke.
    pub fn rule(&self) -> Option<&RuleName> {
        self.rule.as_ref()
    }

    /// Which rule would let it pass, where that is not plain.
    pub fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

impl fmt::Display for PermitGround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule `{name}`"),
            Self::Default(default) => write!(f, "default {default}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Refusal {}

impl RefusalKind {
    /// The kind as one word, for logs and counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Default => "default",
            Self::UnknownLevel => "unknown-level",
            Self::InsideMesh => "inside-mesh",
            Self::Egress => "egress",
        }
    }
}

fn hint(client: Party<'_>, server: Party<'_>) -> Option<&'static str> {
    match (client, server) {
        (Party::Unauthenticated, _) => Some(ALLOW_FROM_PLAIN),
        (_, Party::Unauthenticated) => Some(ALLOW_TO_PLAIN),
        _ => None,
    }
}

const ALLOW_FROM_PLAIN: &str = "give the client a sidecar, or write a rule with `allow: { from: unauthenticated, .. }`";
const ALLOW_TO_PLAIN: &str = "give the server a sidecar, or write a rule with `allow: { to: unauthenticated, .. }`";
const ALLOW_EGRESS: &str = "write an egress rule with `allow: { from: .., to: [<range>], ports: [<port>] }`";
