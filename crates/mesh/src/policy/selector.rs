//! Who a rule means, as people write it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who a rule means: the word `any`, the word `unauthenticated`, or a mapping of conditions.
///
/// ```yaml
/// from: any                                     # every workload with a certificate
/// from: unauthenticated                         # who has none: no other selector matches such a party
/// from: { identity: ns/*/sa/web }               # an account of this mesh; `*` stands for a whole segment
/// from: { label: "restricted:pci" }             # exactly this label
/// from: { level: restricted }                   # this level, with whatever categories
/// from: { categories: [pci, eu] }               # all of these categories, perhaps more
/// from: { at-least: confidential }              # labels that dominate this one
/// from: { at-most: "confidential:pci" }         # labels that this one dominates
/// from: { identity: ns/shop/sa/*, level: internal }     # several conditions: all must hold
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Every party with a verified certificate.
    Any,
    /// Every party without one.
    Unauthenticated,
    /// Parties with a verified certificate that fulfil every condition.
    Workloads(Box<Conditions>),
}

/// Conditions on a workload; those that are stated must all hold, and at least one is stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Conditions {
    /// The account: `ns/<namespace>/sa/<service-account>`, either of them `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The whole label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The label's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// A label that the workload's dominates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// A label that dominates the workload's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// Categories that the label includes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str(ANY),
            Self::Unauthenticated => serializer.serialize_str(UNAUTHENTICATED),
            Self::Workloads(conditions) => conditions.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrConditions)
    }
}

/// Chosen over serde's untagged form, whose only error is that nothing fitted.
struct WordOrConditions;

impl<'de> Visitor<'de> for WordOrConditions {
    type Value = Selector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{ANY}`, `{UNAUTHENTICATED}` or conditions such as {{ identity: ns/shop/sa/* }}")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Selector, E> {
        match word {
            ANY => Ok(Selector::Any),
            UNAUTHENTICATED => Ok(Selector::Unauthenticated),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, conditions: A) -> Result<Selector, A::Error> {
        Conditions::deserialize(MapAccessDeserializer::new(conditions)).map(Box::new).map(Selector::Workloads)
    }
}

const ANY: &str = "any";
const UNAUTHENTICATED: &str = "unauthenticated";
