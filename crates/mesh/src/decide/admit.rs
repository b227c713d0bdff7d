//! From a decision to a deed: nothing is connected without a [`Permit`].

use std::fmt;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::mode::Pardon;
use super::{Flow, Ground, Mode, Party, Verdict, decide, decide_egress};
use crate::policy::{MeshDefault, Policy, RuleName};
use crate::{Timestamp, WorkloadName};

/// The proof that a connection was decided and may be: only [`Policy::admit`], [`Policy::admit_in`] and
/// [`Policy::admit_egress`] make one.
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
    /// No rule and no default: the workload is permissive for a while.
    Permissive,
}

/// A connection was decided and may not be; printed, it is the sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    rule: Option<RuleName>,
    sentence: Box<str>,
    hint: Option<Box<str>>,
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
        self.admit_in(Mode::Strict, flow, now)
    }

    /// Decides about it at a workload in this mode: what the policy does not allow may pass for a while.
    pub fn admit_in(&self, mode: Mode, flow: &Flow<'_>, now: Timestamp) -> Result<Permit, Refusal> {
        let verdict = decide(flow, self, now);
        match mode.pardon(&verdict, flow, self, now) {
            Some(pardon) => Ok(Permit::from_pardon(pardon, flow.port)),
            None => Permit::from_verdict(&verdict, flow.port),
        }
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
            _ => return Err(Refusal::from_verdict(verdict, port)),
        };
        Ok(Self { port, ground, would_deny: verdict.would_deny.cloned() })
    }

    fn from_pardon(pardon: Pardon<'_>, port: u16) -> Self {
        Self { port, ground: PermitGround::Permissive, would_deny: pardon.would_deny.cloned() }
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
    fn from_verdict(verdict: &Verdict<'_>, port: u16) -> Self {
        let (kind, rule, hint) = match verdict.rule {
            Ground::Rule(name) => (RefusalKind::Rule, Some(name.clone()), None),
            Ground::Default { client, server, .. } => (RefusalKind::Default, None, hint(client, server, port)),
            Ground::UnknownLevel { .. } => (RefusalKind::UnknownLevel, None, None),
            Ground::InsideMesh { .. } => (RefusalKind::InsideMesh, None, None),
            Ground::NoEgressRule { client, destination } => {
                (RefusalKind::Egress, None, egress_hint(client, destination))
            }
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

    /// The rule that would let it pass, as the policy would write it, where a workload's rule could.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for PermitGround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule `{name}`"),
            Self::Default(default) => write!(f, "default {default}"),
            Self::Permissive => f.write_str("permissive"),
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

fn hint(client: Party<'_>, server: Party<'_>, port: u16) -> Option<Box<str>> {
    let (side, from, to) = match (client, server) {
        (Party::Unauthenticated, Party::Workload { name, .. }) => ("client", UNAUTHENTICATED.into(), account(name)),
        (Party::Workload { name, .. }, Party::Unauthenticated) => ("server", account(name), UNAUTHENTICATED.into()),
        _ => return None,
    };
    let rule = format!("allow: {{ from: {from}, to: {to}, ports: [{port}] }}");
    Some(format!("give the {side} a sidecar, or write the rule `{rule}`").into())
}

fn egress_hint(client: Party<'_>, destination: SocketAddr) -> Option<Box<str>> {
    let Party::Workload { name, .. } = client else { return None };
    let (from, to, port) = (account(name), IpNet::from(destination.ip().to_canonical()), destination.port());
    Some(format!("write the egress rule `allow: {{ from: {from}, to: [\"{to}\"], ports: [{port}] }}`").into())
}

fn account(name: &WorkloadName) -> String {
    format!("{{ identity: \"{name}\" }}")
}

const UNAUTHENTICATED: &str = "unauthenticated";
