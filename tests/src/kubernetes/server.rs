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
    directory: TempDir,
}

impl ApiServer {
    /// Starts one on free ports of the loopback device and waits until it is ready.
    pub fn start() -> Result<Self> {
        let tools = Tools::find()?;
        let directory = TempDir::new()?;
        let certificates = Certificates::make(directory.path())?;
        let [port, clients, peers] = [free_port()?, free_port()?, free_port()?];
        let [clients, peers] = [clients, peers].map(|port| format!("http://127.0.0.1:{port}"));
        let (mut command, brings_etcd) = tools.api_server()?;
        let mut processes = Processes(Vec::new());
        if brings_etcd {
            command.env("TEST_ETCD_DIR", directory.path());
            command.env("TEST_ETCD_CLIENT", &clients).env("TEST_ETCD_PEER", &peers);
        } else {
            processes.start(etcd(&tools, directory.path(), &clients, &peers), directory.path(), "etcd.log")?;
        }
        command.args(flags(&certificates, port, &clients));
        processes.start(command, directory.path(), "apiserver.log")?;
        let kubeconfig = certificates.kubeconfig(&format!("https://127.0.0.1:{port}"))?;
        let mut server = Self { processes, kubectl: Kubectl { program: tools.kubectl(), kubeconfig }, directory };
        server.until_ready()?;
        Ok(server)
    }

    /// Runs `kubectl` with these words.
    pub fn kubectl(&self, words: &[&str]) -> Result<Said> {
        self.kubectl.run(words, None)
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

    /// A kubeconfig file for whoever holds this token.
    pub fn kubeconfig_of(&self, name: &str, token: &str) -> Result<PathBuf> {
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&self.kubectl.kubeconfig)?)?;
        config["users"][0]["user"] = json!({"token": token});
        let path = self.directory.path().join(format!("{name}.kubeconfig"));
        fs::write(&path, config.to_string())?;
        Ok(path)
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
