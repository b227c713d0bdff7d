//! From a document to a policy: the one place where a policy is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;

use super::document::{Clause, Document, RuleDocument, StalenessDocument};
use super::matcher::{Criteria, Matcher};
use super::rule::{ParseRuleNameError, Rule, RuleName, Rules};
use super::selector::{Conditions, Selector};
use super::{Period, Policy, PolicyError, Problem, Staleness};
use crate::time::ParseTimestampError;
use crate::{Category, Label, LevelName, Levels};

pub(super) fn read(document: Document) -> Result<Policy, PolicyError> {
    let levels = document.levels.clone().map_or_else(|| Ok(Levels::default()), Levels::new);
    let levels = levels.map_err(|problem| PolicyError::at("levels", problem))?;
    let reader = Reader { levels: &levels };
    let default_label = reader.default_label(document.default_label.as_deref())?;
    let mesh_cidrs = ranges("mesh-cidrs", &document.mesh_cidrs)?;
    let lifetimes = reader.lifetimes(&document.lifetimes)?;
    let staleness = reader.staleness(&document.staleness)?;
    let mut names = BTreeSet::new();
    let rules = reader.rules("rules", &mut names, &document.rules, Reader::between_parties)?;
    let egress = reader.rules("egress", &mut names, &document.egress, Reader::out_of_the_mesh)?;
    let default = document.default;
    Ok(Policy { levels, default, default_label, mesh_cidrs, lifetimes, staleness, rules, egress, document })
}

/// Reads what may name a level.
struct Reader<'a> {
    levels: &'a Levels,
}

impl Reader<'_> {
    fn default_label(&self, written: Option<&str>) -> Result<Label, PolicyError> {
        let at = |problem| PolicyError::at("default-label", problem);
        match written {
            Some(text) => self.label(text).map_err(at),
            None => self.label("internal").map_err(|_| at(Problem::NoDefaultLabel)),
        }
    }

    fn lifetimes(&self, written: &BTreeMap<String, String>) -> Result<BTreeMap<LevelName, Duration>, PolicyError> {
        let mut lifetimes = self.per_level(DEFAULT_LIFETIME, HIGHEST_LIFETIME);
        for (level, text) in written {
            let at = |problem| PolicyError::at(format!("lifetimes.{level}"), problem);
            let lifetime = period(text, LEAST_LIFETIME, MOST_LIFETIME).map_err(at)?;
            lifetimes.insert(self.level(level).map_err(at)?, lifetime);
        }
        Ok(lifetimes.into_iter().map(|(level, lifetime)| (level, lifetime.duration())).collect())
    }

    fn staleness(
        &self,
        written: &BTreeMap<String, StalenessDocument>,
    ) -> Result<BTreeMap<LevelName, Staleness>, PolicyError> {
        let mut staleness = self.per_level(Staleness::BestEffort, Staleness::Strict(HIGHEST_STALENESS.duration()));
        for (level, written) in written {
            let at = |problem| PolicyError::at(format!("staleness.{level}"), problem);
            let read = match written {
                StalenessDocument::BestEffort => Staleness::BestEffort,
                StalenessDocument::Strict(text) => {
                    Staleness::Strict(period(text, LEAST_STALENESS, MOST_STALENESS).map_err(at)?.duration())
                }
            };
            staleness.insert(self.level(level).map_err(at)?, read);
        }
        Ok(staleness)
    }

    /// One value for the highest level, another for every other.
    fn per_level<Value: Copy>(&self, usual: Value, highest: Value) -> BTreeMap<LevelName, Value> {
        let top = &self.levels.highest().name;
        let value = |level: &LevelName| if level == top { highest } else { usual };
        self.levels.iter().map(|level| (level.name.clone(), value(&level.name))).collect()
    }

    fn rules<Written, To>(
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

    fn between_parties(&self, clause: &Clause<Selector>) -> Result<(Matcher, Matcher), PolicyError> {
        if clause.from == Selector::Unauthenticated && clause.to == Selector::Unauthenticated {
            return Err(PolicyError::at("to", Problem::NobodyAuthenticated));
        }
        Ok((self.matcher("from", &clause.from)?, self.matcher("to", &clause.to)?))
    }

    fn out_of_the_mesh(&self, clause: &Clause<Vec<String>>) -> Result<(Matcher, Box<[IpNet]>), PolicyError> {
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

    fn label(&self, text: &str) -> Result<Label, Problem> {
        let label: Label = text.parse()?;
        self.known(&label.level)?;
        Ok(label)
    }

    fn level(&self, text: &str) -> Result<LevelName, Problem> {
        let level = text.parse()?;
        self.known(&level)?;
        Ok(level)
    }

    fn known(&self, level: &LevelName) -> Result<(), Problem> {
        self.levels.named(level).map(|_| ()).ok_or_else(|| Problem::UnknownLevel { level: level.clone() })
    }
}

fn read_field<Value>(
    field: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Result<Value, Problem>,
) -> Result<Option<Value>, PolicyError> {
    text.map(read).transpose().map_err(|problem| PolicyError::at(field, problem))
}

fn categories(written: Option<&[String]>) -> Result<BTreeSet<Category>, Problem> {
    let Some(written) = written else { return Ok(BTreeSet::new()) };
    if written.is_empty() {
        return Err(Problem::Empty);
    }
    limit(written.len(), Label::MAX_CATEGORIES)?;
    written.iter().map(|text| Ok(text.parse()?)).collect()
}

fn ports(written: Option<&[u16]>) -> Result<Option<Box<[u16]>>, PolicyError> {
    let at = |problem| PolicyError::at("ports", problem);
    let Some(written) = written else { return Ok(None) };
    limit(written.len(), Policy::MAX_PORTS).map_err(at)?;
    match written {
        [] => Err(at(Problem::Empty)),
        _ if written.contains(&0) => Err(at(Problem::PortZero)),
        _ => Ok(Some(written.iter().copied().collect::<BTreeSet<_>>().into_iter().collect())),
    }
}

fn ranges(field: &str, written: &[String]) -> Result<Vec<IpNet>, PolicyError> {
    let at = |problem| PolicyError::at(field, problem);
    limit(written.len(), Policy::MAX_RANGES).map_err(at)?;
    written.iter().map(|text| range(text).map_err(at)).collect()
}

fn range(text: &str) -> Result<IpNet, Problem> {
    let range: IpNet = text.parse().map_err(|_| Problem::Range { text: text.into() })?;
    if range.trunc() != range {
        return Err(Problem::HostBits { text: text.into(), truncated: range.trunc().to_string() });
    }
    match range {
        // Addresses are compared without their IPv6 clothes, so such a range would silently match nothing.
        IpNet::V6(clothed) if clothed.prefix_len() >= 96 && clothed.addr().to_ipv4_mapped().is_some() => {
            Err(Problem::Mapped { text: text.into() })
        }
        _ => Ok(range),
    }
}

fn period(text: &str, least: Period, most: Period) -> Result<Period, Problem> {
    let period = text.parse()?;
    if (least..=most).contains(&period) { Ok(period) } else { Err(Problem::OutOfRange { period, least, most }) }
}

fn limit(count: usize, limit: usize) -> Result<(), Problem> {
    if count <= limit { Ok(()) } else { Err(Problem::TooMany { count, limit }) }
}

/// A working day's half; renewed at a third of it, a CA may be away for eight hours.
const DEFAULT_LIFETIME: Period = Period::from_secs(12 * 3600);
const HIGHEST_LIFETIME: Period = Period::from_secs(3600);
/// Below this, a certificate would end before its renewal had a second chance.
const LEAST_LIFETIME: Period = Period::from_secs(5);
/// Beyond this, the cutoffs that must be remembered would only grow.
const MOST_LIFETIME: Period = Period::from_secs(30 * 86_400);
/// 120 heartbeats lost in a row.
const HIGHEST_STALENESS: Period = Period::from_secs(60);
/// Four heartbeats: fewer lost ones happen in a busy second.
const LEAST_STALENESS: Period = Period::from_secs(2);
const MOST_STALENESS: Period = Period::from_secs(86_400);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As the YAML of the documentation says it.
    fn everything() -> Value {
        json!({
            "levels": [
                { "name": "internal", "number": 7 },
                { "name": "confidential", "number": 8 },
                { "name": "restricted", "number": 9 },
            ],
            "default": "dominates",
            "default-label": "internal:lab",
            "mesh-cidrs": ["10.77.0.0/16", "fd00:77::/64"],
            "lifetimes": { "confidential": "30m" },
            "staleness": { "internal": { "strict": "90s" }, "restricted": "best-effort" },
            "rules": [{ "name": "trace", "allow": { "from": "any", "to": { "identity": "ns/obs/sa/*" }, "ports": [4317] } }],
            "egress": [{ "name": "dns", "deny": { "from": { "level": "internal" }, "to": ["192.0.2.0/24"] },
                "expires": "2027-01-01T00:00:00Z", "audit": true }],
        })
    }

    fn read_json(document: Value) -> Result<Policy, String> {
        let document: Document = serde_json::from_value(document).map_err(|error| error.to_string())?;
        Policy::try_from(document).map_err(|error| error.to_string())
    }

    #[test]
    fn a_policy_with_everything_is_read_and_given_back() {
        let policy = read_json(everything()).unwrap();
        let level = |name: &str| name.parse::<LevelName>().unwrap();
        assert_eq!(policy.levels().highest().name, level("restricted"));
        assert_eq!(policy.default_label().to_string(), "internal:lab");
        let minutes = |name: &str| policy.lifetime_of(&level(name)).map(|lifetime| lifetime.as_secs() / 60);
        assert_eq!(
            ["internal", "confidential", "restricted", "cosmic"].map(minutes),
            [Some(720), Some(30), Some(60), None]
        );
        assert_eq!(policy.staleness_of(&level("internal")), Some(Staleness::Strict(Duration::from_secs(90))));
        assert_eq!(policy.staleness_of(&level("confidential")), Some(Staleness::BestEffort));
        assert_eq!(policy.staleness_of(&level("restricted")), Some(Staleness::BestEffort));
        let inside = |text: &str| policy.in_mesh(text.parse().unwrap());
        let addresses = ["10.77.255.255", "10.78.0.0", "::ffff:10.77.0.1", "fd00:77::1", "fd00:78::1"];
        assert_eq!(addresses.map(inside), [true, false, true, true, false]);
        assert_eq!(serde_json::to_value(policy).unwrap(), everything());
    }

    #[test]
    fn an_empty_document_is_a_policy() {
        let policy = Policy::default();
        assert_eq!(policy.default_label().to_string(), "internal");
        let highest = policy.levels().highest().name.clone();
        assert_eq!(policy.staleness_of(&highest), Some(Staleness::Strict(Duration::from_mins(1))));
        assert_eq!(policy.lifetime_of(&highest), Some(Duration::from_hours(1)));
        assert_eq!(read_json(json!({})).unwrap(), policy);
    }

    fn refused(document: &Value, words: &str) {
        let sentence = read_json(document.clone()).map(|_| ()).unwrap_err();
        assert!(sentence.contains(words), "{document} is refused by: {sentence}");
    }

    #[test]
    fn a_setting_that_means_nothing_is_refused_by_name() {
        let level = |name: &str| json!([{ "name": name, "number": 6 }]);
        for (document, words) in [
            (json!({ "levels": [] }), "`levels`: a mesh needs at least one level"),
            (json!({ "levels": level("low") }), "`default-label`: this mesh has no level `internal`"),
            (json!({ "defaults": "none" }), "unknown field `defaults`"),
            (json!({ "default": "all" }), "unknown variant `all`"),
            (json!({ "default-label": "cosmic" }), "`default-label`: this mesh has no level `cosmic`"),
            (json!({ "default-label": "Internal" }), "`default-label`: a level name has"),
            (json!({ "mesh-cidrs": ["10.77.0.0"] }), "`mesh-cidrs`: `10.77.0.0` is not an address range"),
            (json!({ "mesh-cidrs": ["10.77.0.1/16"] }), "write `10.77.0.0/16`"),
            (json!({ "mesh-cidrs": ["::ffff:10.77.0.0/112"] }), "IPv6 clothes"),
            (json!({ "mesh-cidrs": vec!["10.77.0.0/16"; 257] }), "257 are more than the 256"),
            (json!({ "lifetimes": { "cosmic": "1h" } }), "`lifetimes.cosmic`: this mesh has no level"),
            (json!({ "lifetimes": { "internal": "1" } }), "`lifetimes.internal`: `1` is not a length of time"),
            (json!({ "lifetimes": { "internal": "4s" } }), "4s is outside of 5s to 30d"),
            (json!({ "lifetimes": { "internal": "31d" } }), "31d is outside of 5s to 30d"),
            (
                json!({ "staleness": { "internal": { "strict": "1s" } } }),
                "`staleness.internal`: 1s is outside of 2s to 1d",
            ),
            (json!({ "staleness": { "internal": "strict" } }), "invalid type"),
        ] {
            refused(&document, words);
        }
    }

    #[test]
    fn a_rule_that_means_nothing_is_refused_by_name_and_field() {
        let clause = |from: Value, to: Value| json!({ "name": "x", "allow": { "from": from, "to": to } });
        let ports = |ports: Value| json!({ "name": "x", "deny": { "from": "any", "to": "any", "ports": ports } });
        let any = json!({ "from": "any", "to": "any" });
        for (rule, words) in [
            (json!({ "name": "X y", "allow": any }), "rule `X y`: `name`: a rule's name has"),
            (json!({ "name": "x" }), "rule `x`: `allow`: a rule has exactly one of"),
            (json!({ "name": "x", "allow": any, "deny": any }), "exactly one of"),
            (json!({ "name": "x", "allow": any, "audit": true }), "rule `x`: `audit`: only a denial"),
            (
                json!({ "name": "x", "deny": any, "expires": "tomorrow" }),
                "rule `x`: `expires`: `tomorrow` is not a moment",
            ),
            (json!({ "name": "x", "deny": any, "expire": "" }), "unknown field `expire`"),
            (json!({ "name": "x", "allow": { "from": "any" } }), "missing field `to`"),
            (ports(json!([])), "rule `x`: `deny.ports`: an empty list"),
            (ports(json!([0])), "port 0 is no port"),
            (ports(json!([65536])), "65536"),
            (ports(json!(vec![1; 257])), "257 are more than the 256"),
            (clause(json!("all"), json!("any")), "expected `any`, `unauthenticated` or conditions"),
            (clause(json!({}), json!("any")), "rule `x`: `allow.from`: no condition"),
            (clause(json!({ "labels": "internal" }), json!("any")), "unknown field `labels`"),
            (clause(json!("any"), json!({ "identity": "ns/shop/sa/web*" })), "rule `x`: `allow.to.identity`: `ns/shop"),
            (clause(json!("any"), json!({ "label": "cosmic:pci" })), "`allow.to.label`: this mesh has no level"),
            (clause(json!("any"), json!({ "level": "cosmic" })), "`allow.to.level`: this mesh has no level"),
            (clause(json!("any"), json!({ "at-least": "cosmic" })), "`allow.to.at-least`: this mesh has no level"),
            (clause(json!("any"), json!({ "at-most": "cosmic" })), "`allow.to.at-most`: this mesh has no level"),
            (clause(json!("any"), json!({ "categories": [] })), "`allow.to.categories`: an empty list"),
            (clause(json!("any"), json!({ "categories": ["p ci"] })), "`allow.to.categories`: a category name has"),
            (clause(json!("unauthenticated"), json!("unauthenticated")), "two parties without certificates"),
        ] {
            refused(&json!({ "rules": [rule] }), words);
        }
    }

    #[test]
    fn an_egress_rule_that_means_nothing_is_refused() {
        let clause = |from: &str, to: Value| json!({ "name": "x", "allow": { "from": from, "to": to } });
        for (rule, words) in [
            (clause("any", json!([])), "rule `x`: `allow.to`: an empty list"),
            (clause("any", json!(["everywhere"])), "rule `x`: `allow.to`: `everywhere` is not an address range"),
            (clause("any", json!("192.0.2.0/24")), "invalid type"),
            (clause("unauthenticated", json!(["0.0.0.0/0"])), "rule `x`: `allow.from`: a workload that leaves"),
        ] {
            refused(&json!({ "egress": [rule] }), words);
        }
    }

    #[test]
    fn rule_names_are_unique_and_rules_not_too_many() {
        let rule = |name: &str, to: Value| json!({ "name": name, "deny": { "from": "any", "to": to } });
        let (inner, outer) = (rule("x", json!("any")), rule("x", json!(["0.0.0.0/0"])));
        refused(&json!({ "rules": [inner, inner] }), "rule `x`: `name`: another rule has the same name");
        refused(&json!({ "rules": [inner], "egress": [outer] }), "rule `x`: `name`: another rule has the same name");
        refused(&json!({ "rules": vec![inner; 10_001] }), "`rules`: 10001 are more than the 10000");
    }
}
