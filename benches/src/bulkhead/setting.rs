//! Bulkhead as it is compared with the others, and with much to look through.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_lab::binaries;
use bulkhead_tests::{DEADLINE, Mesh};

use super::policy;
use crate::arm::ArmName;

/// How much a sidecar has to look through at each decision and each handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Nothing: the policy has no rule, and nobody was ever cut off.
    Plain,
    /// A policy of so many rules, of which the last one asked is the one that allows; 1 to 10,000.
    Rules(u32),
    /// So many cutoffs of others; 1 to 1,000,000.
    Cutoffs(u32),
}

impl Setting {
    /// What the arm is called: `bulkhead`, `bulkhead@rules-100`, `bulkhead@cutoffs-10000`.
    pub fn name(self) -> ArmName {
        ArmName(match self {
            Self::Plain => PLAIN.to_owned(),
            Self::Rules(rules) => format!("{RULES}{rules}"),
            Self::Cutoffs(cutoffs) => format!("{CUTOFFS}{cutoffs}"),
        })
    }

    /// The policy in force, as YAML.
    pub(super) fn policy(self) -> String {
        match self {
            Self::Plain | Self::Cutoffs(_) => bulkhead_tests::mesh::POLICY.to_owned(),
            Self::Rules(rules) => policy::of_rules(rules),
        }
    }

    /// How long the CA may take to start, and an agent and a sidecar to be ready: all are told every cutoff, and each
    /// but the agent checks every signature, of which a core checks some ten thousand a second, a debug build fewer.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Plain | Self::Rules(_) => DEADLINE,
            Self::Cutoffs(cutoffs) => DEADLINE + Duration::from_millis(cutoffs.into()) * 2,
        }
    }

    /// Writes the cutoffs into the records of a CA that does not run.
    pub(super) fn seed(self, mesh: &Mesh) -> Result<()> {
        let Self::Cutoffs(cutoffs) = self else { return Ok(()) };
        let program = mesh.lab().install(&binaries::find_example("seed_cutoffs").context(BUILD_IT)?)?;
        let seed = mesh.ca_host().command(program.to_string_lossy()).arg("--dir").arg(mesh.ca_directory());
        let seed = seed.arg("--unseal-file").arg(mesh.unseal_file()).args(["--cutoffs", &cutoffs.to_string()]);
        seed.run(self.patience())?.success("seed_cutoffs")?;
        Ok(())
    }
}

impl FromStr for Setting {
    type Err = ParseSettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str, most| digits.parse().ok().filter(|number| (1..=most).contains(number));
        let rules = || number(text.strip_prefix(RULES)?, MOST_RULES).map(Self::Rules);
        let cutoffs = || number(text.strip_prefix(CUTOFFS)?, MOST_CUTOFFS).map(Self::Cutoffs);
        let plain = (text == PLAIN).then_some(Self::Plain);
        plain.or_else(rules).or_else(cutoffs).ok_or_else(|| ParseSettingError { text: text.to_owned() })
    }
}

/// Why a text is no setting of Bulkhead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseSettingError {
    text: String,
}

impl std::error::Error for ParseSettingError {}

impl std::fmt::Display for ParseSettingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { text } = self;
        write!(f, "`{text}` is none of `{PLAIN}`, `{RULES}<1..{MOST_RULES}>` and `{CUTOFFS}<1..{MOST_CUTOFFS}>`")
    }
}

const PLAIN: &str = ArmName::BULKHEAD;
const RULES: &str = "bulkhead@rules-";
const CUTOFFS: &str = "bulkhead@cutoffs-";
/// `Policy::MAX_RULES`.
const MOST_RULES: u32 = 10_000;
/// As many as a sidecar holds.
const MOST_CUTOFFS: u32 = 1_000_000;
const BUILD_IT: &str = "`cargo build -p bulkhead-ca --example seed_cutoffs` builds what writes cutoffs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_its_setting() {
        for setting in [Setting::Plain, Setting::Rules(100), Setting::Rules(10_000), Setting::Cutoffs(1_000_000)] {
            assert_eq!(setting.name().0.parse(), Ok(setting));
        }
    }

    #[test]
    fn what_is_no_setting_is_refused_with_what_there_is() {
        for text in ["", "bulkhead@", "bulkhead@rules-0", "bulkhead@rules-10001", "bulkhead@cutoffs-x", "envoy-tls"] {
            let error = text.parse::<Setting>().unwrap_err().to_string();
            assert!(error.contains("bulkhead@cutoffs-<1..1000000>"), "{error}");
        }
    }
}
