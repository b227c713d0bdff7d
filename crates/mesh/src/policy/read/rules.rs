//! From a written rule to one that can be asked.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::Reader;
use super::values::{categories, limit, ports, ranges};
use crate::policy::document::{Clause, RuleDocument};
use crate::policy::matcher::{Criteria, Matcher};
use crate::policy::rule::{ParseRuleNameError, Rule, RuleName, Rules};
use crate::policy::selector::{Conditions, Selector};
use crate::policy::{Policy, PolicyError, Problem};
use crate::time::ParseTimestampError;

impl Reader<'_> {
    pub(super) fn rules<Written, To>(
        &self,
        list: &str,
        names: &mut BTreeSet<RuleName>,
        written: &[RuleDocument<Written>],
        clause: impl Fn(&Self, &Clause<Written>) -> Result<(Matcher, To), PolicyError>,
    ) -> Result<Rules<To>, PolicyError> {
        limit(written.len(), Policy::MAX_RULES).map_err(|problem| PolicyError::at(list, problem))?;
        let mut rules = Rules { denials: vec![], allowances: vec![] };
        for document in written {
            let in_rule = |error: PolicyError| error.in_rule(&document.name);
            let (allows, rule) = self.rule(document, &clause).map_err(in_rule)?;
            if !names.insert(rule.name.clone()) {
                return Err(in_rule(PolicyError::at("name", Problem::Twice)));
            }
            if allows { rules.allowances.push(rule) } else { rules.denials.push(rule) }
        }
        Ok(rules)
    }

    /// Whether the rule allows, and the rule.
    fn rule<Written, To>(
        &self,
        document: &RuleDocument<Written>,
        clause: impl Fn(&Self, &Clause<Written>) -> Result<(Matcher, To), PolicyError>,
    ) -> Result<(bool, Rule<To>), PolicyError> {
        let name = document.name.parse().map_err(|problem: ParseRuleNameError| PolicyError::at("name", problem))?;
        let (action, written) = match (&document.allow, &document.deny) {
            (Some(written), None) => ("allow", written),
            (None, Some(written)) => ("deny", written),
            _ => return Err(PolicyError::at("allow", Problem::NotOneAction)),
        };
        let audit = document.audit;
        if audit && action == "allow" {
            return Err(PolicyError::at("audit", Problem::AuditedAllowance));
        }
        let (from, to) = clause(self, written).map_err(|error| error.below(action))?;
        let ports = ports(written.ports.as_deref()).map_err(|error| error.below(action))?;
        let expires = document.expires.as_deref().map(str::parse).transpose();
        let expires = expires.map_err(|problem: ParseTimestampError| PolicyError::at("expires", problem))?;
        Ok((action == "allow", Rule { name, from, to, ports, expires, audit }))
    }

    pub(super) fn between_parties(&self, clause: &Clause<Selector>) -> Result<(Matcher, Matcher), PolicyError> {
        if clause.from == Selector::Unauthenticated && clause.to == Selector::Unauthenticated {
            return Err(PolicyError::at("to", Problem::NobodyAuthenticated));
        }
        Ok((self.matcher("from", &clause.from)?, self.matcher("to", &clause.to)?))
    }

    pub(super) fn out_of_the_mesh(&self, clause: &Clause<Vec<String>>) -> Result<(Matcher, Box<[IpNet]>), PolicyError> {
        if clause.from == Selector::Unauthenticated {
            return Err(PolicyError::at("from", Problem::UnauthenticatedEgress));
        }
        if clause.to.is_empty() {
            return Err(PolicyError::at("to", Problem::Empty));
        }
        Ok((self.matcher("from", &clause.from)?, ranges("to", &clause.to)?.into()))
    }

    fn matcher(&self, side: &str, selector: &Selector) -> Result<Matcher, PolicyError> {
        match selector {
            Selector::Any => Ok(Matcher::Any),
            Selector::Unauthenticated => Ok(Matcher::Unauthenticated),
            Selector::Workloads(conditions) if **conditions == Conditions::default() => {
                Err(PolicyError::at(side, Problem::NoCondition))
            }
            Selector::Workloads(conditions) => {
                self.criteria(conditions).map(Box::new).map(Matcher::Workloads).map_err(|error| error.below(side))
            }
        }
    }

    fn criteria(&self, written: &Conditions) -> Result<Criteria, PolicyError> {
        let label = |field, text| read_field(field, text, |text| self.label(text));
        Ok(Criteria {
            identity: read_field("identity", written.identity.as_deref(), |text| Ok(text.parse()?))?,
            label: label("label", written.label.as_deref())?,
            level: read_field("level", written.level.as_deref(), |text| self.level(text))?,
            at_least: label("at-least", written.at_least.as_deref())?,
            at_most: label("at-most", written.at_most.as_deref())?,
            categories: categories(written.categories.as_deref())
                .map_err(|problem| PolicyError::at("categories", problem))?,
        })
    }
}

fn read_field<Value>(
    field: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Result<Value, Problem>,
) -> Result<Option<Value>, PolicyError> {
    text.map(read).transpose().map_err(|problem| PolicyError::at(field, problem))
}
