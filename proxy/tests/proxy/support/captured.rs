//! A workload in a network namespace of its own, a stand-in for its proxy, and a neighbour.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use bulkhead_lab::{Host, Lab};
use bulkhead_proxy::capture::check::{Canary, Findings};
use bulkhead_proxy::capture::install::{self, CaptureError};
use bulkhead_proxy::capture::{CaptureConfig, Namespace};
use bulkhead_proxy::socket::{Listener, Reach, original_destination};
use tokio::sync::{mpsc as unbounded, oneshot};

use super::DEADLINE;

pub(crate) struct Street {
    pub(crate) workload: Host,
    pub(crate) neighbour: Host,
    program: std::path::PathBuf,
    lab: Lab,
}

/// The account of some application.
pub(crate) const APPLICATION: (u32, u32) = (1000, 1000);
pub(crate) const PROXY: (u32, u32) = (10101, 10101);

impl Street {
    pub(crate) fn new() -> Self {
        bulkhead_lab::rights::ensure().unwrap();
        let lab = Lab::new().unwrap();
        let (workload, neighbour) = (lab.host("workload").unwrap(), lab.host("neighbour").unwrap());
        let program = lab.install(&std::env::current_exe().unwrap()).unwrap();
        Self { workload, neighbour, program, lab }
    }

    /// A copy of a program that every account of the lab can run.
    pub(crate) fn install_program(&self, program: &std::path::Path) -> std::path::PathBuf {
        self.lab.install(program).unwrap()
    }

    pub(crate) fn namespace(&self) -> Namespace {
        Namespace::OfProcess(self.workload.pid())
    }

    pub(crate) fn install(&self) {
        self.install_with(&config()).unwrap();
    }

    pub(crate) fn install_with(&self, config: &CaptureConfig) -> Result<(), CaptureError> {
        block_on(install::install(config, &self.namespace()))
    }

    pub(crate) fn rules(&self) -> Option<String> {
        block_on(install::show(&self.namespace())).unwrap()
    }

    /// What somebody in the workload's namespace hears who connects to `to`.
    pub(crate) fn call(&self, (uid, gid): (u32, u32), to: impl Into<IpAddr>, port: u16) -> String {
        self.call_from(&self.workload, (uid, gid), SocketAddr::new(to.into(), port))
    }

    /// What somebody in the neighbour's namespace hears who connects to `to`.
    pub(crate) fn call_in(&self, to: impl Into<IpAddr>, port: u16) -> String {
        self.call_from(&self.neighbour, APPLICATION, SocketAddr::new(to.into(), port))
    }

    fn call_from(&self, host: &Host, (uid, gid): (u32, u32), to: SocketAddr) -> String {
        let command =
            host.command(self.program.display().to_string()).args(["--exact", "capture::caller", "--nocapture"]);
        let output = command.env(CALL, to.to_string()).uid(uid).gid(gid).run(DEADLINE).unwrap();
        let heard = output.stdout.lines().find_map(|line| line.strip_prefix("heard "));
        heard.unwrap_or_else(|| panic!("{}{}", output.stdout, output.stderr)).to_owned()
    }
}

/// The whole lab is the mesh.
pub(crate) fn config() -> CaptureConfig {
    let mesh = ["10.77.0.0/16", "fd77::/64"].map(|text| text.parse().unwrap());
    CaptureConfig::new(mesh.into(), vec![])
}

/// The other half of `call`, in a process of its own.
#[allow(clippy::print_stdout, reason = "the answer to who started this process")]
pub(crate) fn answer_a_call() {
    let Some(to) = std::env::var(CALL).ok() else { return };
    let connected = std::net::TcpStream::connect_timeout(&to.parse().unwrap(), Duration::from_secs(2));
    let heard = connected.and_then(|mut stream| {
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    });
    println!("\nheard {}", heard.unwrap_or_else(|error| format!("{:?}", error.kind())));
}

/// Says `word` to everybody who connects to `port` in this host, for as long as the process lives.
pub(crate) fn greeter(host: &Host, port: u16, word: &'static str) {
    let listeners = host.inside(|| {
        ["0.0.0.0", "::"].map(|address| {
            let socket = socket2::Socket::new(
                if address == "::" { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 },
                socket2::Type::STREAM,
                None,
            )
            .unwrap();
            if address == "::" {
                socket.set_only_v6(true).unwrap();
            }
            socket.bind(&SocketAddr::new(address.parse().unwrap(), port).into()).unwrap();
            socket.listen(16).unwrap();
            TcpListener::from(socket)
        })
    });
    for listener in listeners.unwrap() {
        std::thread::spawn(move || {
            listener.incoming().flatten().for_each(|mut stream| drop(stream.write(word.as_bytes())));
        });
    }
}

/// Listens on 15001 and 15006 as a proxy would, and tells everybody where they had meant to go.
pub(crate) struct StandIn {
    probes: unbounded::UnboundedSender<oneshot::Sender<Findings>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start(host: &Host) -> Self {
        let host = host.clone();
        let (ready, is_ready) = mpsc::channel();
        let (probes, probe) = unbounded::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            host.inside(|| {
                runtime().block_on(async {
                    let canary = Canary::default();
                    let outbound = Listener::bind(15001, Reach::Loopback).unwrap();
                    let inbound = Listener::bind(15006, Reach::Everywhere).unwrap();
                    ready.send(()).unwrap();
                    tokio::select! {
                        () = tell("out", outbound, &canary) => {}
                        () = tell("in", inbound, &canary) => {}
                        () = probing(&canary, probe) => {}
                        _ = ended => {}
                    }
                });
            })
            .unwrap();
        });
        is_ready.recv_timeout(DEADLINE).unwrap();
        Self { probes, end: Some(end), thread: Some(thread) }
    }

    pub(crate) fn probe(&self) -> Findings {
        let (answer, answered) = oneshot::channel();
        self.probes.send(answer).unwrap();
        answered.blocking_recv().unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.end.take());
        self.thread.take().map(JoinHandle::join).transpose().unwrap();
    }
}

async fn tell(direction: &str, mut listener: Listener, canary: &Canary) {
    loop {
        let (stream, from) = listener.accept().await;
        let original = original_destination(&stream).unwrap();
        if !canary.arrival(original, from) {
            stream.try_write(format!("{direction} {original}").as_bytes()).unwrap();
        }
    }
}

async fn probing(canary: &Canary, mut probes: unbounded::UnboundedReceiver<oneshot::Sender<Findings>>) {
    while let Some(answer) = probes.recv().await {
        answer.send(canary.probe(Duration::from_secs(1)).await).unwrap();
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

const CALL: &str = "BULKHEAD_TEST_CALL";
