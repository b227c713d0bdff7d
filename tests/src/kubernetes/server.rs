//! The API server's process, from start to end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificates::Certificates;
use super::kubectl::{Kubectl, Said};
use super::tools::Tools;

/// A running API server; it ends, with all that was stored, when this is dropped.
pub struct ApiServer {
    // Dropped in this order.
    processes: Processes,
    kubectl: Kubectl,
    plan: Plan,
    directory: TempDir,
}

/// What does not change from one start to the next.
struct Plan {
    tools: Tools,
    certificates: Certificates,
    port: u16,
    /// Where etcd answers the API server, and others like itself.
    etcd: [String; 2],
}

impl ApiServer {
    /// Starts one on free ports of the loopback device and waits until it is ready.
    pub fn start() -> Result<Self> {
        let tools = Tools::find()?;
        let directory = TempDir::new()?;
        let certificates = Certificates::make(directory.path())?;
        let [port, clients, peers] = [free_port()?, free_port()?, free_port()?];
        let etcd = [clients, peers].map(|port| format!("http://127.0.0.1:{port}"));
        let kubeconfig = certificates.kubeconfig(&url(port))?;
        let kubectl = Kubectl { program: tools.kubectl(), kubeconfig };
        let plan = Plan { tools, certificates, port, etcd };
        let mut server = Self { processes: Processes(Vec::new()), kubectl, plan, directory };
        server.start_again()?;
        Ok(server)
    }

    /// Ends it without a word to anybody; what was stored stays.
    pub fn stop(&mut self) {
        self.processes = Processes(Vec::new());
    }

    /// Starts it where it was, with what was stored, and waits until it is ready.
    pub fn start_again(&mut self) -> Result<()> {
        self.processes = self.plan.start(self.directory.path())?;
        self.until_ready()
    }

    /// What somebody needs to be this service account; it must be there.
    pub fn kubeconfig_of(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let token = self.kubectl(&["create", "token", account, "-n", namespace])?.output()?;
        self.plan.certificates.kubeconfig_by_token(&url(self.plan.port), account, token.trim())
    }

    /// Runs `kubectl` with these words.
    pub fn kubectl(&self, words: &[&str]) -> Result<Said> {
        self.kubectl.run(words, None)
    }

    /// What a client needs to be its administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubectl.kubeconfig
    }

    /// Makes an object, or only asks whether it would be made (`dry_run`); unknown fields are refused.
    pub fn create(&self, object: &Value, dry_run: bool) -> Result<Said> {
        let mut words = vec!["create", "--validate=strict", "-o", "json", "-f", "-"];
        words.extend(dry_run.then_some("--dry-run=server"));
        self.kubectl.run(&words, Some(object))
    }

    /// A namespace with these labels and the service account that every pod needs; without a controller manager nobody
    /// else makes it.
    pub fn namespace(&self, name: &str, labels: &Value) -> Result<()> {
        let metadata = json!({"name": name, "labels": labels});
        self.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}), false)?.output()?;
        let metadata = json!({"name": "default", "namespace": name});
        self.create(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}), false)?.output()?;
        Ok(())
    }

    /// The key that signs service accounts' tokens, as PEM: for tests that forge one.
    pub fn accounts_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.directory.path().join("accounts.key"))?)
    }

    fn until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = self.kubectl(&["get", "--raw", "/readyz"])?;
            if said.done && said.output.trim() == "ok" {
                return Ok(());
            }
            if let Some(log) = self.processes.ended()? {
                bail!("the API server has ended; its log ends: {}", last_lines(&self.directory.path().join(log)));
            }
            if began.elapsed() > TO_COME_UP {
                bail!("the API server is not ready after {TO_COME_UP:?}; the last answer: {}", said.complaints.trim());
            }
            thread::sleep(PACE);
        }
    }
}

impl Plan {
    fn start(&self, directory: &Path) -> Result<Processes> {
        let mut processes = Processes(Vec::new());
        let [clients, peers] = &self.etcd;
        let (mut command, brings_etcd) = self.tools.api_server()?;
        if brings_etcd {
            command.env("TEST_ETCD_DIR", directory);
            command.env("TEST_ETCD_CLIENT", clients).env("TEST_ETCD_PEER", peers);
        } else {
            processes.start(etcd(&self.tools, directory, clients, peers), directory, "etcd.log")?;
        }
        command.args(flags(&self.certificates, self.port, clients));
        processes.start(command, directory, "apiserver.log")?;
        Ok(processes)
    }
}

fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Processes that end when this is dropped, at once: an API server that is asked waits half a minute for open watches.
struct Processes(Vec<(Child, &'static str)>);

impl Processes {
    fn start(&mut self, mut command: Command, directory: &Path, log: &'static str) -> Result<()> {
        let file = File::create(directory.join(log))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        self.0.push((child, log));
        Ok(())
    }

    /// The log of one that has ended.
    fn ended(&mut self) -> Result<Option<&'static str>> {
        for (child, log) in &mut self.0 {
            if child.try_wait()?.is_some() {
                return Ok(Some(log));
            }
        }
        Ok(None)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            let _ = child.kill(); // It may have ended already.
            let _ = child.wait();
        }
    }
}

fn etcd(tools: &Tools, directory: &Path, clients: &str, peers: &str) -> Command {
    let mut command = Command::new(tools.etcd());
    command.arg(format!("--data-dir={}", directory.join("etcd").display())).arg("--unsafe-no-fsync");
    for (flag, url) in [
        ("listen-client-urls", clients),
        ("advertise-client-urls", clients),
        ("listen-peer-urls", peers),
        ("initial-advertise-peer-urls", peers),
    ] {
        command.arg(format!("--{flag}={url}"));
    }
    command.arg(format!("--initial-cluster=default={peers}"));
    command
}

fn flags(certificates: &Certificates, port: u16, etcd: &str) -> Vec<String> {
    let file = |name: &str| certificates.file(name).display().to_string();
    [
        ("etcd-servers", etcd.to_owned()),
        ("bind-address", "127.0.0.1".to_owned()),
        // Endpoints may not be loopback addresses, so that it does not write its own.
        ("advertise-address", "127.0.0.1".to_owned()),
        ("endpoint-reconciler-type", "none".to_owned()),
        ("secure-port", port.to_string()),
        ("service-cluster-ip-range", "10.96.0.0/16".to_owned()),
        ("tls-cert-file", file("apiserver.crt")),
        ("tls-private-key-file", file("apiserver.key")),
        ("client-ca-file", file("ca.crt")),
        ("service-account-issuer", "https://kubernetes.default.svc.cluster.local".to_owned()),
        ("service-account-key-file", file("accounts.pub")),
        ("service-account-signing-key-file", file("accounts.key")),
        ("authorization-mode", "Node,RBAC".to_owned()),
        ("enable-admission-plugins", "NodeRestriction".to_owned()),
        ("allow-privileged", "true".to_owned()),
        ("profiling", "false".to_owned()),
        ("v", "0".to_owned()),
    ]
    .map(|(flag, value)| format!("--{flag}={value}"))
    .into()
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

const TO_COME_UP: Duration = Duration::from_mins(1);
const PACE: Duration = Duration::from_millis(100);
