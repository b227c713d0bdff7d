//! A mesh from nothing: a lab, a CA on a host of its own, an operator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_lab::{Host, Lab, Process, until};

use crate::programs::{Programs, as_broken_as_told};
use crate::{DEADLINE, Node, Operator, log_of, node};

/// A CA that serves, and the network that its nodes will stand in.
pub struct Mesh {
    lab: Arc<Lab>,
    /// What the names of its hosts and directories begin with, where it shares the lab with other meshes.
    prefix: String,
    programs: Programs,
    ca_host: Host,
    ca: Option<Process>,
    operator: Operator,
    patience: Duration,
}

impl Mesh {
    /// Founds an authority, starts its CA and applies the policy of the tests: `same-label` on the lab's addresses.
    pub fn start() -> Result<Self> {
        bulkhead_lab::rights::ensure()?;
        let lab = Arc::new(Lab::new()?);
        let programs = Programs::install(&lab)?;
        let mut mesh = Self::found_in(lab, programs, "")?;
        mesh.start_ca()?;
        mesh.operator.apply_policy(POLICY)?;
        Ok(mesh)
    }

    /// Founds an authority in a lab that others may share, and starts nothing. The names of its hosts and directories
    /// begin with `prefix`, which no other mesh of the lab has.
    pub fn found_in(lab: Arc<Lab>, programs: Programs, prefix: &str) -> Result<Self> {
        let ca_host = lab.host(&format!("{prefix}ca"))?;
        let founded = found(lab.directory(), &programs, &ca_host, prefix)?;
        let operator = Operator::new(&programs, &ca_host, &founded);
        Ok(Self { lab, prefix: prefix.to_owned(), programs, ca_host, ca: None, operator, patience: DEADLINE })
    }

    /// Waits longer for whatever starts, because there is so much to read.
    pub fn be_patient(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Starts the CA, at first or again, and waits until it serves.
    pub fn start_ca(&mut self) -> Result<()> {
        let (dir, unseal) = (self.ca_directory(), self.unseal_file());
        let address = ca_address(&self.ca_host);
        let serve = self.ca_host.command(self.programs.ca.to_string_lossy());
        let serve = serve.args(["serve", "--listen", &address, "--address", &address, "--handshake-timeout", "5s"]);
        let serve = serve.arg("--dir").arg(dir).arg("--unseal-file").arg(unseal);
        let ca = as_broken_as_told(serve).spawn(self.ca_host.name())?;
        ca.wait_for_log("\"message\":\"serving\"", self.patience)?;
        self.ca = Some(ca);
        Ok(())
    }

    /// Stops the CA as an operator would, and waits until it is gone.
    pub fn stop_ca(&mut self) -> Result<()> {
        let ca = self.ca.take().context("the CA is stopped already")?;
        ca.terminate()?;
        ca.wait(DEADLINE)?;
        Ok(())
    }

    /// A node that was admitted by a join token and whose agent runs.
    pub fn node(&self, name: &str, clearance: &str) -> Result<Node> {
        self.node_with_sockets(name, clearance, Path::new(node::SOCKETS))
    }

    /// The same with the sockets of its workloads in this directory. One that is not below /run is the machine's, and
    /// seen from every host.
    pub fn node_with_sockets(&self, name: &str, clearance: &str, sockets: &Path) -> Result<Node> {
        let token = self.operator.create_token(name, clearance)?;
        let host = self.lab.host(&self.named(name))?;
        let state = self.lab.directory().join(self.named(&format!("{name}-agent")));
        let mut node = Node::new(name, host, &self.programs, state, sockets, self.patience);
        node.join(&token)?;
        node.start_agent(&ca_address(&self.ca_host))?;
        Ok(node)
    }

    /// Whoever commands the CA.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The network.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The host on which the CA runs.
    pub fn ca_host(&self) -> &Host {
        &self.ca_host
    }

    /// What the CA has logged.
    pub fn ca_log(&self) -> String {
        self.ca.as_ref().map(log_of).unwrap_or_default()
    }

    /// Waits until the operator sees what `seen` looks for.
    pub fn until<T>(&self, what: &str, seen: impl FnMut() -> Option<T>) -> Result<T> {
        Ok(until(DEADLINE, what, seen)?)
    }

    /// Where each program lies.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The directory of the CA.
    pub fn ca_directory(&self) -> PathBuf {
        self.lab.directory().join(self.named("ca"))
    }

    /// The file that opens the CA's keys.
    pub fn unseal_file(&self) -> PathBuf {
        self.lab.directory().join(self.named("unseal"))
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Where the CA of this host listens.
pub(crate) fn ca_address(host: &Host) -> String {
    format!("{}:15010", host.ipv4())
}

/// What `init` made that others need.
#[derive(Debug)]
pub(crate) struct Founded {
    pub(crate) operator_file: PathBuf,
    pub(crate) roots: PathBuf,
    pub(crate) loot: PathBuf,
}

fn found(lab: &Path, programs: &Programs, host: &Host, prefix: &str) -> Result<Founded> {
    let place = |name: &str| lab.join(format!("{prefix}{name}"));
    let dir = place("ca");
    let init =
        host.command(programs.ca.to_string_lossy()).args(["init", "--trust-domain", "prod.example", "--dir"]).arg(&dir);
    let init = init.arg("--unseal-file").arg(place("unseal"));
    init.run(DEADLINE)?.success("bulkhead-ca init")?;
    let loot = place("loot");
    fs::create_dir(&loot)?;
    fs::set_permissions(&loot, fs::Permissions::from_mode(0o1777))?;
    Ok(Founded { operator_file: dir.join("operator/admin.pem"), roots: dir.join("root.pem"), loot })
}

/// What the tests put in force: equal labels may talk, on the lab's addresses.
pub const POLICY: &str = "default: same-label\ndefault-label: internal\nmesh-cidrs: [10.77.0.0/16, 'fd77::/16']\n";
