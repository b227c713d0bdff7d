//! Who a rule means, checked and ready to be compared.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::decide::Party;
use crate::{Category, Label, LevelName, Levels, WorkloadName};

/// Who a rule means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matcher {
    Any,
    Unauthenticated,
    Workloads(Box<Criteria>),
}

/// What a workload must fulfil, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Criteria {
    pub(super) identity: Option<IdentityPattern>,
    pub(super) label: Option<Label>,
    pub(super) level: Option<LevelName>,
    pub(super) at_least: Option<Label>,
    pub(super) at_most: Option<Label>,
    pub(super) categories: BTreeSet<Category>,
}

/// An account with `*` for any namespace, any service account, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityPattern {
    namespace: Option<Box<str>>,
    service_account: Option<Box<str>>,
}

impl Matcher {
    pub(crate) fn matches(&self, party: Party<'_>, levels: &Levels) -> bool {
        match (self, party) {
            (Self::Unauthenticated, Party::Unauthenticated) | (Self::Any, Party::Workload { .. }) => true,
            (Self::Workloads(criteria), Party::Workload { name, label }) => criteria.hold(name, label, levels),
            (Self::Any | Self::Workloads(_), Party::Unauthenticated)
            | (Self::Unauthenticated, Party::Workload { .. }) => false,
        }
    }
}

impl Criteria {
    fn hold(&self, name: &WorkloadName, label: &Label, levels: &Levels) -> bool {
        self.identity.as_ref().is_none_or(|pattern| pattern.matches(name))
            && self.label.as_ref().is_none_or(|exact| exact == label)
            && self.level.as_ref().is_none_or(|level| *level == label.level)
            && self.at_least.as_ref().is_none_or(|floor| levels.dominates(label, floor))
            && self.at_most.as_ref().is_none_or(|ceiling| levels.dominates(ceiling, label))
            && label.categories.is_superset(&self.categories)
    }
}

impl IdentityPattern {
    fn matches(&self, name: &WorkloadName) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| namespace == name.namespace())
            && self.service_account.as_deref().is_none_or(|account| account == name.service_account())
    }
}

impl FromStr for IdentityPattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParsePatternError { text: text.into() };
        let segments: Vec<&str> = text.split('/').collect();
        let ["ns", namespace, "sa", account] = segments[..] else { return Err(refuse()) };
        // What is no wildcard must be a segment of a real account; `*` inside a segment is none.
        let stand_in = |segment| if segment == WILDCARD { "any" } else { segment };
        let account_named = format!("ns/{}/sa/{}", stand_in(namespace), stand_in(account));
        account_named.parse::<WorkloadName>().map_err(|_| refuse())?;
        let fixed = |segment: &str| (segment != WILDCARD).then(|| segment.into());
        Ok(Self { namespace: fixed(namespace), service_account: fixed(account) })
    }
}

/// Why a text is not a pattern of accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not `ns/<namespace>/sa/<service-account>`, in which either name may be `*`")]
pub struct ParsePatternError {
    text: String,
}

const WILDCARD: &str = "*";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wildcard_stands_for_a_whole_segment() {
        let check = |pattern: &str, name: &str, matches: bool| {
            let pattern: IdentityPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&name.parse().unwrap()), matches, "{pattern:?} / {name}");
        };
        check("ns/shop/sa/web", "ns/shop/sa/web", true);
        check("ns/shop/sa/web", "ns/shop/sa/webber", false);
        check("ns/shop/sa/*", "ns/shop/sa/web", true);
        check("ns/shop/sa/*", "ns/shopping/sa/web", false);
        check("ns/*/sa/web", "ns/pay/sa/web", true);
        check("ns/*/sa/web", "ns/pay/sa/db", false);
        check("ns/*/sa/*", "ns/pay/sa/db", true);
    }

    #[test]
    fn what_is_not_a_pattern_is_refused() {
        for text in
            ["", "*", "ns/*", "ns/shop/sa/web*", "ns/sh*p/sa/web", "ns//sa/*", "node/*", "ns/a/sa/*/b", "/ns/a/sa/b"]
        {
            assert!(text.parse::<IdentityPattern>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|ns/.*/sa/.*") {
            let _ = text.parse::<IdentityPattern>();
        }
    }
}
