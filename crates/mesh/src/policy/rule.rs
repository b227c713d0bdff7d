//! Rules, checked and ready to be asked.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::matcher::Matcher;
use crate::Timestamp;
use crate::name::text::serde_by_text;

/// The name of a rule, 1 to 63 of `a-z`, `0-9` and `-`; cheap to clone, for every connection carries one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName(Arc<str>);

/// One rule about connections to `To`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule<To> {
    pub(super) name: RuleName,
    pub(super) from: Matcher,
    pub(super) to: To,
    /// Sorted; `None` is every port.
    pub(super) ports: Option<Box<[u16]>>,
    pub(super) expires: Option<Timestamp>,
    /// Only denials are audited.
    pub(super) audit: bool,
}

/// The rules about connections to `To`, in the order of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules<To> {
    pub(super) denials: Vec<Rule<To>>,
    pub(super) allowances: Vec<Rule<To>>,
}

/// What rules say about one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling<'a> {
    /// The rule that decides and whether it allows; `None` where the default decides.
    pub(crate) decided: Option<(&'a RuleName, bool)>,
    /// The first audited denial that matches.
    pub(crate) would_deny: Option<&'a RuleName>,
}

impl<To> Rules<To> {
    /// The first denial in force that matches, else the first allowance.
    pub(crate) fn ask(&self, port: u16, now: Timestamp, matches: impl Fn(&Rule<To>) -> bool) -> Ruling<'_> {
        let counts = |rule: &&Rule<To>| rule.in_force(now) && rule.names_port(port) && matches(rule);
        let mut would_deny = None;
        for denial in self.denials.iter().filter(counts) {
            if !denial.audit {
                return Ruling { decided: Some((&denial.name, false)), would_deny: None };
            }
            would_deny = would_deny.or(Some(&denial.name));
        }
        let allowance = self.allowances.iter().find(counts);
        Ruling { decided: allowance.map(|rule| (&rule.name, true)), would_deny }
    }
}

impl<To> Rule<To> {
    /// Who the rule means as client.
    pub(crate) fn from(&self) -> &Matcher {
        &self.from
    }

    /// Whom or what the rule means as destination.
    pub(crate) fn to(&self) -> &To {
        &self.to
    }

    fn in_force(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    fn names_port(&self, port: u16) -> bool {
        self.ports.as_ref().is_none_or(|ports| ports.binary_search(&port).is_ok())
    }
}

impl RuleName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RuleName {
    type Err = ParseRuleNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid =
            (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if valid { Ok(Self(text.into())) } else { Err(ParseRuleNameError { text: text.into() }) }
    }
}

serde_by_text!(RuleName);

/// Why a text is not the name of a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rule's name has 1 to {MAX_NAME} characters of a-z, 0-9 and `-`; {text:?} has not")]
pub struct ParseRuleNameError {
    text: String,
}

/// As long as a DNS label, so that a policy object of Kubernetes can carry the same name.
const MAX_NAME: usize = 63;
