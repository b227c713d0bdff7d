//! Any other proxy, described by a small file that starts its two ends: docs/bench-arm-example.yaml explains it.

mod file;
mod places;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::Host;

use super::pair::{Pair, Site, Words};
use super::{Ground, OUTBOUND_PORT, SIDECAR, programs};
use crate::arm::{About, ArmName, Protection};
use crate::certificates::Identity;
use file::{Description, EndOfPath};
use places::Places;

/// An arm as its file describes it.
#[derive(Debug)]
pub struct Given(Description);

impl Given {
    /// Reads the file, and checks it as far as that can be done without starting anything.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the arm {}", path.display()))?;
        let description = file::parse(&text, &path.display().to_string())?;
        for program in [&description.client, &description.server].map(EndOfPath::program) {
            // One of its own files is not there yet.
            let here = program.contains('{') || programs::find(program).is_some();
            ensure!(here, "{}: there is no program `{program}`; name it by its whole path", path.display());
        }
        Ok(Self(description))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn pair(&self, name: ArmName, ground: &Ground<'_>) -> Result<Pair> {
        let (site, certificates) = (Site::make(&name, ground)?, ground.certificates);
        let here = ([127, 0, 0, 1], OUTBOUND_PORT).into();
        let end = |listen, to, own: &Identity, peer: &Identity, directory: &PathBuf| Places {
            listen,
            to,
            application: site.ends.service,
            own: own.clone(),
            peer: peer.clone(),
            roots: certificates.roots.clone(),
            threads: programs::threads(),
            directory: directory.clone(),
        };
        let client = end(here, site.between(), &certificates.client, &certificates.server, &site.client);
        let server = end(site.between(), site.ends.service, &certificates.server, &certificates.client, &site.server);
        let client = prepare(&self.0.client, &client)?;
        let server = prepare(&self.0.server, &server)?;
        Ok(Pair::new(name, self.about(&site.ends.client), site, client, server)?.cold_by(self.0.dialect.into()))
    }

    fn about(&self, pod: &Host) -> About {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let version = |words: &Words| asked(pod, words).map_or_else(|| "does not say".to_owned(), first_line);
        let versions: BTreeMap<_, _> =
            self.0.versions.iter().map(|(name, words)| (name.clone(), version(words))).collect();
        About {
            summary: self.0.summary.clone(),
            versions,
            configuration: BTreeMap::new(),
            protection: Protection::MutualTls,
            pooled: self.0.pooled,
            key_exchange: Some(self.0.key_exchange.clone()),
            cipher_suite: Some(self.0.cipher_suite.clone()),
        }
    }
}

/// What a program of the file prints, asked where its proxy will run and as its user: nobody has said that it may be
/// root.
fn asked(pod: &Host, words: &Words) -> Option<String> {
    let (program, rest) = words.split_first()?;
    let command = pod.command(programs::find(program)?.to_string_lossy()).args(rest).uid(SIDECAR).gid(SIDECAR);
    let ended = command.run(programs::TO_ANSWER).ok()?;
    ended.status.success().then(|| ended.stdout + &ended.stderr)
}

/// Writes the files of one end, and returns its command.
fn prepare(end: &EndOfPath, places: &Places) -> Result<Words> {
    for (name, text) in &end.files {
        Site::write(&places.directory, name, &places.fill(text))?;
    }
    Ok(end.command.iter().map(|word| places.fill(word)).collect())
}
