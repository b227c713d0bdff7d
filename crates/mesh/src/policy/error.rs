//! Why a document is not a policy.

use std::fmt;

use super::matcher::ParsePatternError;
use super::period::{ParsePeriodError, Period};
use super::rule::ParseRuleNameError;
use crate::label::{LevelsError, ParseLabelError};
use crate::time::ParseTimestampError;
use crate::{Label, LevelName};

/// Why a document is not a policy: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    rule: Option<String>,
    field: String,
    problem: Problem,
}

/// What is wrong with a field of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Problem {
    #[error(transparent)]
    Levels(#[from] LevelsError),
    #[error(transparent)]
    Label(#[from] ParseLabelError),
    #[error(transparent)]
    Identity(#[from] ParsePatternError),
    #[error(transparent)]
    Period(#[from] ParsePeriodError),
    #[error(transparent)]
    Moment(#[from] ParseTimestampError),
    #[error(transparent)]
    Name(#[from] ParseRuleNameError),
    #[error("this mesh has no level `{level}`")]
    UnknownLevel { level: LevelName },
    #[error("this mesh has no level `internal`, so the policy must say which label is the default")]
    NoDefaultLabel,
    #[error("`{text}` is not an address range such as `10.77.0.0/16` or `fd00:77::/64`")]
    Range { text: String },
    #[error("`{text}` has bits set after its prefix; write `{truncated}`")]
    HostBits { text: String, truncated: String },
    #[error("`{text}` is an IPv4 range in IPv6 clothes; write the IPv4 range")]
    Mapped { text: String },
    #[error("{period} is outside of {least} to {most}")]
    OutOfRange { period: Period, least: Period, most: Period },
    #[error("another rule has the same name")]
    Twice,
    #[error("a rule has exactly one of `allow` and `deny`")]
    NotOneAction,
    #[error("only a denial can be audited")]
    AuditedAllowance,
    #[error("an empty list matches nothing; leave it out, or say what is meant")]
    Empty,
    #[error("no condition is stated; write `any` to mean every workload")]
    NoCondition,
    #[error("a connection between two parties without certificates passes no proxy")]
    NobodyAuthenticated,
    #[error("a workload that leaves the mesh through its proxy is never unauthenticated")]
    UnauthenticatedEgress,
    #[error("port 0 is no port")]
    PortZero,
    #[error("{count} are more than the {limit} that a policy may have here")]
    TooMany { count: usize, limit: usize },
}

impl PolicyError {
    pub(super) fn at(field: impl Into<String>, problem: impl Into<Problem>) -> Self {
        Self { rule: None, field: field.into(), problem: problem.into() }
    }

    pub(super) fn below(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), ..self }
    }

    pub(super) fn in_rule(self, name: &str) -> Self {
        Self { rule: Some(name.into()), ..self }
    }

    /// The name of the rule, as written; `None` outside of rules.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The field, with dots between the words that lead to it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong there.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What to do, where that is not plain from the message.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownLevel { .. } => Some("list the level in `levels`, or name one that is there".into()),
            Problem::Label(ParseLabelError::TooMany { .. }) => {
                Some(format!("a label carries at most {} categories", Label::MAX_CATEGORIES))
            }
            Problem::AuditedAllowance => Some("audit the denial that this is an exception of".into()),
            _ => None,
        }
    }
}

impl fmt::Display for PolicyError {
    /// One line: "rule `x`: `deny.to.label`: this mesh has no level `cosmic`".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = &self.rule {
            // Escaped, as the field is below: a wrong name can be anything.
            write!(f, "rule `{}`: ", rule.escape_debug())?;
        }
        write!(f, "`{}`: {}", self.field.escape_debug(), self.problem)
    }
}

// No `source`: the problem stands in the line above, next to its place, where a reader needs it.
impl std::error::Error for PolicyError {}
