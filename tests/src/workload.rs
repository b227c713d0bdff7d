//! A workload: a pod with a sidecar that captures its traffic, and an application that knows nothing of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bulkhead_lab::{Host, HostCommand, Process, until};

use crate::programs::{Programs, as_broken_as_told};
use crate::{DEADLINE, Node, Operator, log_of};

/// A running copy of an account.
pub struct Workload {
    /// The account, `ns/<namespace>/sa/<service-account>`.
    account: String,
    instance: String,
    pod: Host,
    programs: Programs,
    state: PathBuf,
    /// A directory that every user may write to.
    loot: PathBuf,
    ca: String,
    /// Flags of the sidecar besides those that every one has.
    flags: Vec<String>,
    patience: Duration,
    sidecar: Option<Process>,
    applications: Vec<Process>,
}

impl Workload {
    /// Registers, captures, starts the sidecar and waits until it is ready.
    pub(crate) fn start(
        node: &Node,
        operator: &Operator,
        programs: &Programs,
        account: &str,
        label: &str,
    ) -> Result<Self> {
        let mut workload = Self::register(node, operator, programs, account, label)?;
        workload.capture()?;
        workload.start_sidecar()?;
        workload.until_ready()?;
        Ok(workload)
    }

    /// Registers, and gives the pod its socket.
    pub(crate) fn register(
        node: &Node,
        operator: &Operator,
        programs: &Programs,
        account: &str,
        label: &str,
    ) -> Result<Self> {
        let short = account.rsplit('/').next().unwrap_or(account);
        let pod = node.host().pod(short)?;
        let address = pod.ipv4().to_string();
        let words = ["workload", "register", "--workload", account, "--node", node.name(), "--address", &address];
        let registered = operator.json(&[&words[..], &["--label", label]].concat())?;
        let workload = Self {
            account: account.to_owned(),
            instance: registered["id"].as_str().context("a registration has an id")?.to_owned(),
            state: pod_state(&pod)?,
            pod,
            programs: programs.clone(),
            loot: operator.loot().to_owned(),
            ca: operator.ca().to_owned(),
            flags: Vec::new(),
            patience: node.patience(),
            sidecar: None,
            applications: Vec::new(),
        };
        workload.bind_socket(node)?;
        Ok(workload)
    }

    /// Starts the sidecar, at first or again; it may not be ready yet.
    pub fn start_sidecar(&mut self) -> Result<()> {
        let run = self.pod.command(self.programs.proxy.to_string_lossy()).args(self.sidecar_words());
        let run = as_broken_as_told(run.uid(SIDECAR).gid(SIDECAR));
        self.sidecar = Some(run.spawn(&format!("{}-sidecar", self.pod.name()))?);
        Ok(())
    }

    /// What the sidecar is started with.
    pub fn sidecar_words(&self) -> Vec<String> {
        let (agent, state) = ("unix:///run/bulkhead/agent/api.sock", self.state.to_string_lossy());
        let words = ["run", "--ca", &self.ca, "--workload-api", agent, "--state-dir", &state];
        words.into_iter().map(str::to_owned).chain(self.flags.iter().cloned()).collect()
    }

    /// Gives the sidecar further flags, from its next start on.
    pub fn add_flags(&mut self, flags: &[&str]) {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
    }

    /// Waits until the sidecar says that it is ready.
    pub fn until_ready(&self) -> Result<()> {
        let log = || self.sidecar.as_ref().map(log_of).unwrap_or_default();
        let ready = until(self.patience, "the sidecar is ready", || match self.readiness() {
            Ok(answer) if answer == "ready" => Ok(()),
            Ok(answer) => Err(answer),
            Err(error) => Err(error.to_string()),
        });
        ready.with_context(|| format!("the sidecar of {} has logged:\n{}", self.pod.name(), log()))
    }

    /// What the admin port says about readiness.
    pub fn readiness(&self) -> Result<String> {
        let asked = self
            .pod
            .command("curl")
            .args(["-s", "--max-time", "2", "http://127.0.0.1:15021/ready"])
            .uid(SIDECAR)
            .gid(SIDECAR);
        Ok(asked.run(DEADLINE)?.stdout.trim().to_owned())
    }

    /// All metrics as the admin port prints them.
    pub fn metrics(&self) -> Result<String> {
        let asked = self
            .pod
            .command("curl")
            .args(["-s", "--max-time", "2", "http://127.0.0.1:15021/metrics"])
            .uid(SIDECAR)
            .gid(SIDECAR);
        Ok(asked.run(DEADLINE)?.stdout)
    }

    /// Kills the sidecar without a word.
    pub fn kill_sidecar(&mut self) -> Result<()> {
        let sidecar = self.sidecar.take().context("there is no sidecar to kill")?;
        sidecar.kill();
        sidecar.wait(DEADLINE)?;
        Ok(())
    }

    /// Stops the sidecar as an operator would, and waits until it is gone.
    pub fn stop_sidecar(&mut self) -> Result<()> {
        let sidecar = self.sidecar.take().context("there is no sidecar to stop")?;
        sidecar.terminate()?;
        sidecar.wait(DEADLINE)?;
        Ok(())
    }

    /// The sidecar's process id, while it runs.
    pub fn sidecar_process(&self) -> Option<u32> {
        self.sidecar.as_ref().filter(|sidecar| sidecar.is_running()).map(Process::id)
    }

    /// Starts the application of the lab in one of its roles on a port of the pod's address, and waits until it listens.
    pub fn serve(&mut self, role: &str, port: u16) -> Result<()> {
        let address = format!("{}:{port}", self.pod.ipv4());
        let app = self.application()?.args([role, &address]).spawn(&format!("{}-{role}", self.pod.name()))?;
        app.wait_for_log("listening", DEADLINE)?;
        self.applications.push(app);
        Ok(())
    }

    /// Waits until the application that was started last has printed this.
    pub fn application_says(&self, text: &str) -> Result<()> {
        let app = self.applications.last().context("no application was started")?;
        app.wait_for_log(text, DEADLINE)?;
        Ok(())
    }

    /// Removes what the sidecar keeps on disk, as on a new machine.
    pub fn forget_state(&self) -> Result<()> {
        let find = self.pod.command("find").arg(&self.state).args(["-mindepth", "1", "-delete"]);
        find.run(DEADLINE)?.success("removing the sidecar's state")?;
        Ok(())
    }

    /// The application of the lab, as the workload's user.
    pub fn application(&self) -> Result<HostCommand> {
        Ok(self.command(&self.application_program()?))
    }

    /// The application of the lab, for hosts outside the mesh.
    pub fn application_program(&self) -> Result<String> {
        self.programs.app()
    }

    /// A program of the workload, as the workload's user.
    pub fn command(&self, program: &str) -> HostCommand {
        self.pod.command(program).uid(APPLICATION).gid(APPLICATION)
    }

    /// What curl prints; an error when it fails.
    pub fn curl(&self, url: &str) -> Result<String> {
        let got = self.command("curl").args(["-sS", "--max-time", "10", url]).run(DEADLINE)?;
        if !got.status.success() {
            bail!("curl {url} in {} ended with {}: {}", self.pod.name(), got.status, got.stderr.trim());
        }
        Ok(got.stdout)
    }

    /// Takes the workload's key and chain from its agent, as root in the pod could, and keeps them under this name.
    pub fn steal_identity(&self, name: &str) -> Result<String> {
        let file = self.stolen_path(name);
        self.rogue(&["fetch", "/run/bulkhead/agent/api.sock", &file])?;
        Ok(file)
    }

    /// Where what was stolen under this name lies.
    pub fn stolen_path(&self, name: &str) -> String {
        self.loot.join(format!("{name}.pem")).to_string_lossy().into_owned()
    }

    /// What the client that keeps no rule prints, run in this pod as the sidecar's user, whose traffic is not captured.
    pub fn rogue(&self, words: &[&str]) -> Result<String> {
        let rogue = self.pod.command(self.rogue_program()?).args(words).uid(SIDECAR).gid(SIDECAR);
        Ok(rogue.run(DEADLINE)?.success("lab-rogue")?.stdout.trim().to_owned())
    }

    /// The client that keeps no rule.
    pub fn rogue_program(&self) -> Result<String> {
        self.programs.rogue()
    }

    /// The pod.
    pub fn pod(&self) -> &Host {
        &self.pod
    }

    /// The account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The instance's id, as 32 hexadecimal digits.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What the sidecar has logged.
    pub fn log(&self) -> String {
        self.sidecar.as_ref().map(log_of).unwrap_or_default()
    }

    /// Only this pod sees the directory of this instance's socket.
    fn bind_socket(&self, node: &Node) -> Result<()> {
        let socket = node.socket(&self.instance);
        until(self.patience, "the agent has made the workload's socket", || {
            let test = node.host().command("test").arg("-S").arg(&socket).run(DEADLINE).ok()?;
            test.status.success().then_some(())
        })
        .with_context(|| format!("the agent has logged:\n{}", node.agent_log()))?;
        let directory = socket.parent().context("a socket lies in a directory")?;
        Ok(self.pod.bind(directory, Path::new("/run/bulkhead/agent"))?)
    }

    /// Captures the pod's traffic.
    pub fn capture(&self) -> Result<()> {
        let install = self.pod.command(self.programs.proxy.to_string_lossy()).args(CAPTURE);
        install.run(DEADLINE)?.success("bulkhead-proxy capture install")?;
        Ok(())
    }
}

fn pod_state(pod: &Host) -> Result<PathBuf> {
    let state = PathBuf::from("/run/bulkhead-proxy");
    let owner = SIDECAR.to_string();
    let make = pod.command("install").args(["-d", "-m", "0700", "-o", &owner, "-g", &owner]).arg(&state);
    make.run(DEADLINE)?.success("making the sidecar's state directory")?;
    Ok(state)
}

/// What the proxy is told to capture a pod.
pub const CAPTURE: [&str; 6] = ["capture", "install", "--mesh-cidr", "10.77.0.0/16", "--mesh-cidr", "fd77::/16"];
/// The uid and gid of every sidecar.
pub const SIDECAR: u32 = 10_101;
/// The uid and gid of every application.
pub const APPLICATION: u32 = 2000;
