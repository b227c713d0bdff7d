//! The rules of a mesh: [`Document`] as written, [`Policy`] as checked and prepared for decisions.

mod document;
mod error;
mod matcher;
mod period;
mod read;
mod rule;
mod selector;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use document::{Clause, Document, RuleDocument, StalenessDocument};
pub use error::{PolicyError, Problem};
pub(crate) use matcher::Matcher;
pub use matcher::ParsePatternError;
pub use period::{ParsePeriodError, Period};
pub use rule::{ParseRuleNameError, RuleName};
pub(crate) use rule::{Rules, Ruling};
pub use selector::{Conditions, Selector};

use crate::{Label, LevelName, Levels};

/// A valid policy: every name in it is known, every text is parsed.
///
/// `Policy::try_from(document)` is the only way in; [`Policy::document`] gives back what was written. In `serde` it is
/// its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Policy {
    levels: Levels,
    default: MeshDefault,
    default_label: Label,
    mesh_cidrs: Vec<IpNet>,
    lifetimes: BTreeMap<LevelName, Duration>,
    staleness: BTreeMap<LevelName, Staleness>,
    rules: Rules<Matcher>,
    egress: Rules<Box<[IpNet]>>,
    document: Document,
}

/// What holds between two workloads of which no rule speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeshDefault {
    /// Equal labels may talk.
    #[default]
    SameLabel,
    /// A client may reach what its label dominates.
    Dominates,
    /// Only rules let anything pass.
    None,
}

/// What a proxy does that hears nothing from the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// It goes on until certificates end.
    BestEffort,
    /// It closes everything after this long.
    Strict(Duration),
}

impl Policy {
    /// More rules, or egress rules, than this are refused: every decision may have to look at each.
    pub const MAX_RULES: usize = 10_000;
    /// More ports in one rule than this are refused.
    pub const MAX_PORTS: usize = 256;
    /// More address ranges in one list than this are refused.
    pub const MAX_RANGES: usize = 256;

    /// The mesh's levels.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// What holds where no rule speaks.
    pub fn mesh_default(&self) -> MeshDefault {
        self.default
    }

    /// The label of workloads registered without one.
    pub fn default_label(&self) -> &Label {
        &self.default_label
    }

    /// The address ranges that are the mesh.
    pub fn mesh_cidrs(&self) -> &[IpNet] {
        &self.mesh_cidrs
    }

    /// Whether an address lies inside the mesh; an IPv4 address in IPv6 clothes is looked at without them.
    pub fn in_mesh(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.mesh_cidrs.iter().any(|range| range.contains(&address))
    }

    /// How long certificates of a level live; `None` when the mesh does not know the level.
    pub fn lifetime_of(&self, level: &LevelName) -> Option<Duration> {
        self.lifetimes.get(level).copied()
    }

    /// What proxies of a level do while the CA is silent; `None` when the mesh does not know the level.
    pub fn staleness_of(&self, level: &LevelName) -> Option<Staleness> {
        self.staleness.get(level).copied()
    }

    /// The policy as it was written.
    pub fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn rules(&self) -> &Rules<Matcher> {
        &self.rules
    }

    pub(crate) fn egress(&self) -> &Rules<Box<[IpNet]>> {
        &self.egress
    }
}

impl Default for Policy {
    /// The policy of an empty document: the default levels, `same-label`, nothing inside the mesh, no rules.
    fn default() -> Self {
        Self::try_from(Document::default()).expect("the default levels contain the default label's")
    }
}

impl TryFrom<Document> for Policy {
    type Error = PolicyError;

    fn try_from(document: Document) -> Result<Self, PolicyError> {
        read::read(document)
    }
}

impl From<Policy> for Document {
    fn from(policy: Policy) -> Self {
        policy.document
    }
}

impl fmt::Display for MeshDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameLabel => "same-label",
            Self::Dominates => "dominates",
            Self::None => "none",
        })
    }
}
