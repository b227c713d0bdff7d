//! A policy as people write it, and as it travels: plain texts, not yet checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MeshDefault, Selector};
use crate::label::Level;

/// A policy as written; `Policy::try_from` checks it.
///
/// Every setting may be left out; one that nobody knows is refused. In YAML, with all there is:
///
/// ```yaml
/// levels:                                # lowest first; default: public 6, internal 7, confidential 8, restricted 9
///   - { name: internal, number: 7 }      # number: the bit in certificates, 6 to 63, fixed for ever
///   - { name: restricted, number: 9 }
/// default: same-label                    # same-label (default) | dominates | none
/// default-label: internal                # of workloads registered without one; default `internal`, if there is such a level
/// mesh-cidrs: [10.77.0.0/16]             # inside is the mesh; default: nothing
/// lifetimes: { restricted: 30m }         # of certificates, per level, 5s to 30d; default 12h, highest level 1h
/// staleness:                             # what a proxy does that hears nothing from the CA, per level
///   internal: best-effort                # go on until certificates end (default)
///   restricted: { strict: 60s }          # close everything after so long, 2s to 24h (default of the highest level: 60s)
/// rules:                                 # between workloads: first the denials, then the allowances, then `default`
///   - name: anyone-may-trace             # unique, 1 to 63 of a-z, 0-9 and `-`
///     allow: { from: any, to: { identity: "ns/obs/sa/*" }, ports: [4317] }
///   - name: no-pci-to-lab
///     deny: { from: { label: "restricted:pci" }, to: { categories: [lab] } }    # no `ports`: every port
///     expires: 2027-01-01T00:00:00Z      # from then on the rule is as if it were not there
///     audit: true                        # denials only: reported as would-deny, not enforced
/// egress:                                # out of the mesh: first the denials, then the allowances, else refused
///   - name: repository
///     allow: { from: any, to: [192.0.2.0/24], ports: [443] }
/// ```
///
/// `from` and `to` of a rule, and `from` of an egress rule, are a [`Selector`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// The levels, lowest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<Level>>,
    /// What holds where no rule speaks.
    pub default: MeshDefault,
    /// The label of workloads registered without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_label: Option<String>,
    /// The address ranges that are the mesh.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mesh_cidrs: Vec<String>,
    /// Level -> how long its certificates live.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lifetimes: BTreeMap<String, String>,
    /// Level -> what its proxies do while the CA is silent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub staleness: BTreeMap<String, StalenessDocument>,
    /// Rules between parties of the mesh.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleDocument<Selector>>,
    /// Rules for destinations outside the mesh, written as address ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<RuleDocument<Vec<String>>>,
}

/// What a proxy does while the CA is silent: `best-effort` or `{ strict: 60s }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StalenessDocument {
    /// Go on until certificates end.
    BestEffort,
    /// Close everything after this long.
    Strict(String),
}

/// One rule: exactly one of `allow` and `deny`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleDocument<To> {
    /// The rule's name, unique in the policy.
    pub name: String,
    /// What it allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Clause<To>>,
    /// What it denies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<Clause<To>>,
    /// From when on it counts no more (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether a denial is only reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit: bool,
}

/// Which connections a rule means: all that it states must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clause<To> {
    /// Who calls.
    pub from: Selector,
    /// Who is called.
    pub to: To,
    /// The ports called; every port when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u16>>,
}
