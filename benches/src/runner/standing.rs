//! An arm that stands: its pods, its application, its proxies, and what a load generator finds on it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bulkhead_lab::capture::Capture;
use bulkhead_lab::{Host, HostCommand, Lab, Process, until};
use bulkhead_measure::clocks::memory::proportional_set_size;
use bulkhead_measure::{Order, Sample, Work};

use super::generator::{FIRST_FIELD, connections, read_sample, watched};
use super::ping;
use super::words::{end_of, whose};
use crate::arm::{About, Arm, ProxyProcess};
use crate::arms::{APPLICATION, SIDECAR};
use crate::machine::Room;
use crate::plan::Load;
use crate::profile::{self, Profile};
use crate::proof::{self, Seen};
use crate::rows::{Lane, Loaded};

/// An arm on its lane.
pub(super) struct Standing {
    arm: Box<dyn Arm>,
    lab: Arc<Lab>,
    program: PathBuf,
    room: Room,
    application: Process,
    held: Vec<Process>,
    health: Health,
    /// Whether its proxies were seen to use what the arm says and to refuse whom they must; no run counts before.
    proven: bool,
}

/// Whether the path can be trusted to stand.
enum Health {
    /// The last run was good.
    Good,
    /// It was not.
    Unknown,
    /// It could not be brought up so many times in a row, and why the last time.
    Down(u32, String),
}

impl Standing {
    /// Starts the application and the proxies, proves what they do, and waits until a connection passes. An arm that
    /// does not come up is one whose runs fail; the second value says why they do.
    pub(super) fn raise(
        arm: Box<dyn Arm>,
        lab: &Arc<Lab>,
        program: &Path,
        room: Room,
    ) -> Result<(Self, Option<String>)> {
        let application = serve(&*arm, program)?;
        let (lab, program, held) = (Arc::clone(lab), program.to_owned(), Vec::new());
        // A setting of Bulkhead is Bulkhead, which was proven, and runs already.
        let proven = arm.name().is_setting();
        let health = if proven { Health::Unknown } else { Health::Down(0, String::new()) };
        let mut standing = Self { arm, lab, program, room, application, held, health, proven };
        let complaint = standing.be_up().err().map(|error| format!("{error:#}"));
        Ok((standing, complaint))
    }

    /// What the arm consists of.
    pub(super) fn about(&self) -> &About {
        self.arm.about()
    }

    /// Starts the proxies anew if the path may not stand.
    fn be_up(&mut self) -> Result<()> {
        ensure!(self.application.is_running(), "the application of {} has ended", self.arm.name());
        let deadline = match &self.health {
            Health::Good => return Ok(()),
            Health::Unknown if self.answers() => {
                self.health = Health::Good;
                return Ok(());
            }
            Health::Down(FEW_ATTEMPTS.., why) if !self.proven => bail!("{why}"),
            // The other arms wait meanwhile.
            Health::Down(FEW_ATTEMPTS.., _) => TO_COME_UP_AGAIN,
            Health::Unknown | Health::Down(..) => self.to_come_up(),
        };
        self.restart(deadline).map(drop)
    }

    /// Whether a connection passes now. A setting gets time, for its proxies begin with a million facts and starting
    /// them anew would have them begin again.
    fn answers(&self) -> bool {
        let ends = self.arm.ends();
        if self.arm.name().is_setting() { ping::until_answered(ends, TO_COME_UP).is_ok() } else { ping::answers(ends) }
    }

    fn to_come_up(&self) -> Duration {
        if self.arm.name().is_setting() { SETTING_TO_COME_UP } else { TO_COME_UP }
    }

    /// How long it took from the start of the proxies until a connection passed.
    fn restart(&mut self, deadline: Duration) -> Result<Duration> {
        let tried = if let Health::Down(tried, _) = self.health { tried } else { 0 };
        let restarted = self.stop_and_start(deadline);
        self.health = match &restarted {
            Ok(_) => Health::Good,
            Err(error) => Health::Down(tried + 1, format!("{error:#}")),
        };
        restarted
    }

    fn stop_and_start(&mut self, deadline: Duration) -> Result<Duration> {
        self.arm.stop().context("the proxies could not be stopped")?;
        let began = Instant::now();
        if self.proven {
            self.arm.start().context("the proxies could not be started")?;
        } else {
            proof::start(&self.lab, &mut *self.arm)?;
            self.proven = true;
        }
        ping::until_answered(self.arm.ends(), deadline).with_context(|| self.last_words())?;
        Ok(began.elapsed())
    }

    /// Does a work while packets are looked at; whatever goes wrong makes the path doubtful.
    fn watched_drive(&mut self, load: &Load) -> Result<Loaded> {
        self.be_up()?;
        self.health = Health::Unknown;
        let before = self.arm.processes()?;
        let order = self.order(load, &before)?;
        let sampling = proof::sample(&self.lab, self.arm.ends(), connections(load.work))?;
        let driven = self.drive(&order);
        let capture = sampling.finish()?;
        self.still_there(&before)?;
        let sample = driven?;
        let seen = self.look(&capture);
        Ok(Loaded { sample, seen })
    }

    /// What the wire showed; a path that showed what it must is good.
    fn look(&mut self, capture: &Capture) -> Seen {
        let seen = proof::look(capture, self.arm.ends(), self.about().protection);
        if seen.verdict.is_ok() {
            self.health = Health::Good;
        }
        seen
    }

    fn order(&self, load: &Load, processes: &[ProxyProcess]) -> Result<Order> {
        let Load { work, warm_up, measured } = *load;
        let (target, cold) = if let Work::Handshake { .. } = work {
            let (proxy, cold) =
                self.arm.cold()?.context("it is not known how to speak to the server's proxy itself")?;
            (proxy, Some(cold))
        } else {
            (self.arm.ends().service, None)
        };
        let mut watch = watched(work, processes);
        watch.push(self.application.id());
        Ok(Order { work, target, warm_up, measured, watch, cold })
    }

    fn drive(&self, order: &Order) -> Result<Sample> {
        let deadline = order.warm_up + order.measured + GRACE;
        let ended = self.driver(order)?.run(deadline)?.success("bench-load drive")?;
        read_sample(&ended.stdout)
    }

    /// The load generator in the client's pod; a handshake is not captured, for its user is the proxy's.
    fn driver(&self, order: &Order) -> Result<HostCommand> {
        let user = if order.cold.is_some() { SIDECAR } else { APPLICATION };
        let command = self.arm.ends().client.command(self.program.to_string_lossy()).uid(user).gid(user);
        Ok(command.args(["drive", &serde_json::to_string(order)?]))
    }

    /// An error with the proxies' last words if one of these processes has ended.
    fn still_there(&self, before: &[ProxyProcess]) -> Result<()> {
        let now = self.arm.processes().map_err(|error| anyhow!("{error:#}; {}", self.last_words()))?;
        let now: BTreeSet<u32> = now.iter().map(|process| process.pid).collect();
        match before.iter().find(|process| !now.contains(&process.pid)) {
            None => Ok(()),
            Some(gone) => {
                bail!("process {} of the {} proxy has ended; {}", gone.pid, whose(gone.end), self.last_words())
            }
        }
    }

    /// Waits until the pods have few connections left: the proxies close theirs after the client has closed its own.
    fn until_closed(&self) -> Result<()> {
        let ends = self.arm.ends();
        until(GRACE, "end of the idle connections", || {
            let open = [&ends.client, &ends.server].map(|pod| open_sockets(pod).unwrap_or(usize::MAX));
            if open.iter().all(|open| *open <= FEW_SOCKETS) { Ok(()) } else { Err(format!("{open:?} sockets")) }
        })?;
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = self.arm.log();
        if log.trim().is_empty() { "its log is empty".to_owned() } else { format!("its log ends: {}", end_of(&log)) }
    }
}

impl Lane for Standing {
    fn load(&mut self, load: &Load) -> Result<Loaded> {
        self.watched_drive(load)
    }

    fn fresh(&mut self) -> Result<Duration> {
        if !self.proven {
            self.be_up()?; // What comes with a proof takes longer.
        }
        self.restart(TO_COME_UP)
    }

    fn profile(&mut self, row: &str, load: &Load) -> Result<Profile> {
        self.be_up()?;
        self.health = Health::Unknown;
        let processes = self.arm.processes()?;
        let pids: Vec<u32> = processes.iter().map(|process| process.pid).collect();
        // It must not end before it has been looked at: perf takes its time to start.
        let order = self.order(&Load { measured: load.measured + LONGER, ..*load }, &processes)?;
        let driver = self.driver(&order)?.spawn(&format!("{}-profile-{row}", self.arm.name()))?;
        let seen = profile::record(row, &pids, load.measured, self.lab.directory());
        driver.wait_for_log(FIRST_FIELD, order.warm_up + order.measured + GRACE)?;
        self.still_there(&processes)?;
        self.health = Health::Good;
        seen
    }

    fn memory(&self) -> Result<u64> {
        let processes = self.arm.processes()?;
        let sizes = processes.iter().map(|process| proportional_set_size(process.pid));
        Ok(sizes.sum::<Result<u64, _>>()?)
    }

    fn room(&self) -> u32 {
        self.room.connections(self.about().pooled)
    }

    fn hold(&mut self, connections: u32) -> Result<Seen> {
        self.be_up()?;
        self.health = Health::Unknown;
        let idle = Load { work: Work::Idle { connections }, warm_up: Duration::ZERO, measured: Duration::ZERO };
        let order = self.order(&idle, &[])?;
        let sampling = proof::sample(&self.lab, self.arm.ends(), connections)?;
        let holder = self.driver(&order)?.spawn(&format!("{}-idle-{}", self.arm.name(), self.held.len()))?;
        let line = holder.wait_for_log(FIRST_FIELD, TO_HOLD);
        self.held.push(holder);
        let (sample, capture) = (read_sample(&line?)?, sampling.finish()?);
        if sample.failures > 0 {
            let first = sample.first_failure.as_deref().unwrap_or("it did not say which");
            bail!("{} of {connections} idle connections failed; the first: {first}", sample.failures);
        }
        Ok(self.look(&capture))
    }

    fn release(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        let kept = end(&held);
        // Also of those that were not kept the next run must find none.
        let closed = self.until_closed();
        kept?;
        closed
    }
}

/// Ends those who hold connections; each must have held them until then.
fn end(holders: &[Process]) -> Result<()> {
    holders.iter().try_for_each(Process::terminate)?;
    for holder in holders {
        let status = holder.wait(GRACE)?;
        ensure!(status.success(), "idle connections were not kept: {}", end_of(&holder.log()?));
    }
    Ok(())
}

/// The application in the server's pod.
fn serve(arm: &dyn Arm, program: &Path) -> Result<Process> {
    let ends = arm.ends();
    let command = ends.server.command(program.to_string_lossy()).args(["serve", &ends.service.to_string()]);
    let application = command.uid(APPLICATION).gid(APPLICATION).spawn(&format!("{}-application", arm.name()))?;
    application.wait_for_log("listening", GRACE)?;
    Ok(application)
}

/// TCP sockets of a pod that are neither closed nor resting after that, from `TCP: inuse <number> ..`.
fn open_sockets(pod: &Host) -> Option<usize> {
    let text = fs::read_to_string(format!("/proc/{}/net/sockstat", pod.pid())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("TCP: inuse "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What a program may take to start and end beside its work.
const GRACE: Duration = Duration::from_secs(20);
/// How much longer than it is looked at a work is done.
const LONGER: Duration = Duration::from_secs(1);
const TO_HOLD: Duration = Duration::from_mins(2);
const TO_COME_UP: Duration = Duration::from_secs(20);
const SETTING_TO_COME_UP: Duration = Duration::from_mins(5);
const TO_COME_UP_AGAIN: Duration = Duration::from_secs(2);
const FEW_ATTEMPTS: u32 = 3;
/// Listeners, tunnels, and a control connection or two.
const FEW_SOCKETS: usize = 200;
