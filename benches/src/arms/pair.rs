//! Two proxies, one at each end of a path, each started by a command.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bulkhead_lab::{Host, Process, until};
use bulkhead_measure::clocks::is_running;
use bulkhead_measure::work::{Cold, Dialect};

use super::{BETWEEN_PORT, Ground, SIDECAR, capture, pods, processes};
use crate::arm::{About, Arm, ArmName, End, Ends, ProxyProcess};

/// An arm whose proxies are two programs.
pub(super) struct Pair {
    name: ArmName,
    about: About,
    site: Site,
    client: Words,
    server: Words,
    dialect: Option<Dialect>,
    running: Option<[(End, Process); 2]>,
}

/// A program and its arguments.
pub(super) type Words = Vec<String>;

/// Where the two proxies of an arm stand: their pods, and a directory for each.
pub(super) struct Site {
    pub(super) ends: Ends,
    pub(super) client: PathBuf,
    pub(super) server: PathBuf,
    lab: PathBuf,
    cold_identity: PathBuf,
    roots: PathBuf,
}

impl Site {
    /// Makes the pods, captures their traffic, and makes the directories, which belong to the proxies.
    pub(super) fn make(name: &ArmName, ground: &Ground<'_>) -> Result<Self> {
        let ends = pods::ends(ground.one, ground.two, name)?;
        capture::install(&ends)?;
        pods::prepare(&ends.client)?;
        pods::prepare(&ends.server)?;
        let directory = ground.lab.directory().join("arms").join(&name.0);
        let (client, server) = (own_directory(&directory, "client")?, own_directory(&directory, "server")?);
        let (cold_identity, roots) = (ground.certificates.client.identity.clone(), ground.certificates.roots.clone());
        Ok(Self { ends, client, server, lab: ground.lab.directory().to_owned(), cold_identity, roots })
    }

    /// Where the server's proxy listens.
    pub(super) fn between(&self) -> SocketAddr {
        (self.ends.server.ipv4(), BETWEEN_PORT).into()
    }

    /// Writes a file of one end, which is told in the result, and returns its path.
    pub(super) fn write(directory: &Path, name: &str, text: &str) -> Result<String> {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}

fn own_directory(above: &Path, end: &str) -> Result<PathBuf> {
    let directory = above.join(end);
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    chown(&directory, Some(SIDECAR), Some(SIDECAR))?;
    Ok(directory)
}

impl Pair {
    /// Nothing runs yet. The commands and their files, as far as they lie in the directories of the site, are told in
    /// `about`.
    pub(super) fn new(name: ArmName, about: About, site: Site, client: Words, server: Words) -> Result<Self> {
        let mut pair = Self { name, about, site, client, server, dialect: None, running: None };
        pair.describe()?;
        Ok(pair)
    }

    /// The server's proxy can be spoken to without the client's.
    pub(super) fn cold_by(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    fn describe(&mut self) -> Result<()> {
        let ends = &self.site.ends;
        let mut told = vec![
            ("kernel parameters".to_owned(), pods::described(&ends.client)?),
            ("client capture".to_owned(), capture::client_rules(ends)),
            ("server capture".to_owned(), capture::server_rules()),
            ("client command".to_owned(), self.client.join(" ")),
            ("server command".to_owned(), self.server.join(" ")),
        ];
        for (end, directory) in [("client", &self.site.client), ("server", &self.site.server)] {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                told.push((format!("{end} {name}"), fs::read_to_string(&path)?));
            }
        }
        let lab = self.site.lab.display().to_string();
        self.about.configuration.extend(told.into_iter().map(|(name, text)| (name, text.replace(&lab, "LAB"))));
        Ok(())
    }

    /// All processes of both proxies, also of one that has ended.
    fn families(&self) -> Result<Vec<ProxyProcess>> {
        let mut families = Vec::new();
        for (end, process) in self.running.iter().flatten() {
            let pids = processes::family(process.id())?;
            families.extend(pids.into_iter().map(|pid| ProxyProcess { end: *end, pid }));
        }
        Ok(families)
    }

    fn spawn(&self, end: End) -> Result<Process> {
        let (pod, words, side) = match end {
            End::Client => (&self.site.ends.client, &self.client, "client"),
            End::Server => (&self.site.ends.server, &self.server, "server"),
        };
        spawn(pod, words, &format!("{}-{side}", self.name))
    }
}

fn spawn(pod: &Host, words: &[String], log: &str) -> Result<Process> {
    let (program, arguments) = words.split_first().with_context(|| format!("{log} has no command"))?;
    Ok(pod.command(program.as_str()).args(arguments).uid(SIDECAR).gid(SIDECAR).spawn(log)?)
}

impl Arm for Pair {
    fn name(&self) -> &ArmName {
        &self.name
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn ends(&self) -> &Ends {
        &self.site.ends
    }

    fn start(&mut self) -> Result<()> {
        if self.running.is_some() {
            bail!("the proxies of {} run already", self.name);
        }
        self.running = Some([(End::Server, self.spawn(End::Server)?), (End::Client, self.spawn(End::Client)?)]);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        let ours = self.families()?;
        for (_, process) in self.running.take().into_iter().flatten() {
            process.terminate()?;
            // One that takes its time is killed, and so is what it leaves behind.
            let _ = process.wait(TO_END);
        }
        let left = || ours.iter().filter(|process| is_running(process.pid).unwrap_or(true)).count();
        until(TO_END, "end of the proxies", || if left() == 0 { Ok(()) } else { Err(format!("{} run", left())) })?;
        Ok(())
    }

    fn processes(&self) -> Result<Vec<ProxyProcess>> {
        for (_, process) in self.running.iter().flatten() {
            if let Some(status) = process.exit_status() {
                bail!("a proxy of {} has ended ({status})", self.name);
            }
        }
        self.families()
    }

    fn cold(&self) -> Result<Option<(SocketAddr, Cold)>> {
        let cold = |dialect| Cold {
            dialect,
            identity: self.site.cold_identity.clone(),
            roots: self.site.roots.clone(),
            authority: self.site.ends.service,
        };
        Ok(self.dialect.map(|dialect| (self.site.between(), cold(dialect))))
    }

    fn log(&self) -> String {
        let log = |(end, process): &(End, Process)| {
            let text = process.log().unwrap_or_else(|error| error.to_string());
            format!("{end:?}:\n{text}")
        };
        self.running.iter().flatten().map(log).collect()
    }
}

/// How long proxies may take to end.
const TO_END: Duration = Duration::from_secs(5);
