//! A mesh from nothing: a lab, a CA on a host of its own, an operator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use bulkhead_lab::{Host, Lab, Process, until};

use crate::programs::{Programs, as_broken_as_told};
use crate::{DEADLINE, Node, Operator, log_of};

/// A CA that serves, and the network that its nodes will stand in.
pub struct Mesh {
    lab: Lab,
    programs: Programs,
    ca_host: Host,
    ca: Option<Process>,
    operator: Operator,
}

impl Mesh {
    /// Founds an authority, starts its CA and applies the policy of the tests: `same-label` on the lab's addresses.
    pub fn start() -> Result<Self> {
        bulkhead_lab::rights::ensure()?;
        let lab = Lab::new()?;
        let programs = Programs::install(&lab)?;
        let ca_host = lab.host("ca")?;
        let founded = found(&lab, &programs, &ca_host)?;
        let operator = Operator::new(&programs, &ca_host, &founded);
        let mut mesh = Self { lab, programs, ca_host, ca: None, operator };
        mesh.start_ca()?;
        mesh.operator.apply_policy(POLICY)?;
        Ok(mesh)
    }

    /// Starts the CA, at first or again, and waits until it serves.
    pub fn start_ca(&mut self) -> Result<()> {
        let (dir, unseal) = (self.directory("ca"), self.directory("unseal"));
        let address = ca_address(&self.ca_host);
        let serve = self.ca_host.command(self.programs.ca.to_string_lossy());
        let serve = serve.args(["serve", "--listen", &address, "--address", &address, "--handshake-timeout", "5s"]);
        let serve = serve.arg("--dir").arg(dir).arg("--unseal-file").arg(unseal);
        let ca = as_broken_as_told(serve).spawn("ca")?;
        ca.wait_for_log("\"message\":\"serving\"", DEADLINE)?;
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
        let token = self.operator.create_token(name, clearance)?;
        let node = Node::new(&self.lab, &self.programs, name)?;
        node.join(&token)?;
        node.run_agent(&ca_address(&self.ca_host))
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

    fn directory(&self, name: &str) -> PathBuf {
        self.lab.directory().join(name)
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

fn found(lab: &Lab, programs: &Programs, host: &Host) -> Result<Founded> {
    let dir = lab.directory().join("ca");
    let init =
        host.command(programs.ca.to_string_lossy()).args(["init", "--trust-domain", "prod.example", "--dir"]).arg(&dir);
    let init = init.arg("--unseal-file").arg(lab.directory().join("unseal"));
    init.run(DEADLINE)?.success("bulkhead-ca init")?;
    let loot = lab.directory().join("loot");
    fs::create_dir(&loot)?;
    fs::set_permissions(&loot, fs::Permissions::from_mode(0o1777))?;
    Ok(Founded { operator_file: dir.join("operator/admin.pem"), roots: dir.join("root.pem"), loot })
}

const POLICY: &str = "default: same-label\ndefault-label: internal\nmesh-cidrs: [10.77.0.0/16, 'fd77::/16']\n";
