//! The network on which all arms stand, and where the settings of Bulkhead come and go.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use bulkhead_lab::{Lab, binaries};

use super::standing::Standing;
use crate::arm::{About, Arm, ArmName};
use crate::arms::pods::{self, CongestionControls};
use crate::arms::{Choice, Ground};
use crate::bulkhead::Bulkhead;
use crate::certificates::Certificates;
use crate::machine::Room;
use crate::progress::Progress;
use crate::result::Run;
use crate::revocation;
use crate::rows::{Cast, Lane};
use crate::stop::Stop;

/// All arms that stand.
pub(super) struct Stage {
    // Dropped in this order: what runs in the lab, then the lab.
    lanes: BTreeMap<ArmName, Standing>,
    /// Settings that could not be built, and why: to try again would take as long.
    broken: BTreeMap<ArmName, String>,
    program: PathBuf,
    room: Room,
    lab: Arc<Lab>,
    began: Instant,
}

/// A stage, and what was found when it was set.
pub(super) struct Set {
    pub(super) stage: Stage,
    /// What the pods of the clients use.
    pub(super) congestion_control: String,
    /// What must be said of it, and of arms that did not come up.
    pub(super) complaints: Vec<String>,
}

impl Stage {
    /// Builds every chosen arm and Bulkhead.
    pub(super) fn set(choice: &Choice, room: Room, began: Instant, progress: &mut Progress) -> Result<Set> {
        let lab = Arc::new(Lab::new()?);
        let program = lab.install(&binaries::find("bench-load")?)?;
        let mut stage = Self { lanes: BTreeMap::new(), broken: BTreeMap::new(), program, room, lab, began };
        let arms = stage.build(choice, progress)?;
        let CongestionControls { found, warnings: mut complaints } =
            pods::congestion_controls(arms.iter().map(|arm| &arm.ends().client))?;
        for arm in arms {
            progress.run(&arm.name().0);
            complaints.extend(stage.raise(arm)?);
        }
        Ok(Set { stage, congestion_control: found, complaints })
    }

    fn build(&self, choice: &Choice, progress: &mut Progress) -> Result<Vec<Box<dyn Arm>>> {
        let (one, two) = (self.lab.host("one")?, self.lab.host("two")?);
        let certificates = Certificates::make(&self.lab.directory().join("certificates"))?;
        let ground = Ground { lab: &self.lab, one: &one, two: &two, certificates: &certificates };
        let mut arms = choice.build(&ground)?;
        progress.run(ArmName::BULKHEAD);
        arms.push(Box::new(self.bulkhead(ArmName::BULKHEAD)?));
        Ok(arms)
    }

    fn bulkhead(&self, setting: &str) -> Result<Bulkhead> {
        let cannot = || format!("cannot build the arm {setting}");
        Bulkhead::stand(&self.lab, setting.parse()?).with_context(cannot)
    }

    fn raise(&mut self, arm: Box<dyn Arm>) -> Result<Option<String>> {
        let name = arm.name().clone();
        let (standing, complaint) = Standing::raise(arm, &self.lab, &self.program, self.room)?;
        self.lanes.insert(name.clone(), standing);
        Ok(complaint.map(|complaint| format!("{name}: {complaint}")))
    }

    /// A setting of Bulkhead that a row needs for the first time.
    fn raise_setting(&mut self, name: &ArmName) -> Result<()> {
        if let Some(error) = self.broken.get(name) {
            bail!("{error}");
        }
        let raised = self.bulkhead(&name.0).and_then(|arm| self.raise(Box::new(arm)));
        raised.map(drop).map_err(|error| {
            let words = format!("{error:#}");
            self.broken.insert(name.clone(), words.clone());
            anyhow!(words)
        })
    }
}

impl Cast for Stage {
    fn lane(&mut self, name: &ArmName) -> Result<&mut dyn Lane> {
        if !self.lanes.contains_key(name) {
            self.raise_setting(name)?;
        }
        let lane = self.lanes.get_mut(name).with_context(|| format!("the arm {name} does not stand"))?;
        Ok(lane)
    }

    fn dismiss(&mut self, name: &ArmName) {
        self.lanes.remove(name);
    }

    fn about(&self, name: &ArmName) -> Option<About> {
        self.lanes.get(name).map(|standing| standing.about().clone())
    }

    fn revocations(&mut self, proxies: u32, runs: u32, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<Vec<Run>> {
        revocation::revocations(self.began, proxies, runs, stop, say)
    }
}
