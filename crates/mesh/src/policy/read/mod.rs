//! From a document to a policy: the one place where a policy is checked.

mod rules;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use values::{period, ranges};

use super::document::{Document, StalenessDocument};
use super::{Period, Policy, PolicyError, Problem, Staleness};
use crate::{Label, LevelName, Levels};

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
