//! Every arm that this machine can run carries bytes and proves what it says, in a lab.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bulkhead_benches::arm::{Arm, Ends, Protection};
use bulkhead_benches::arms::{APPLICATION, Choice, Ground, SIDECAR, choose, pods};
use bulkhead_benches::certificates::Certificates;
use bulkhead_benches::proof;
use bulkhead_lab::{Host, Lab, Process, binaries, rights, until};
use bulkhead_measure::load::MARKER;

#[test]
fn every_arm_carries_bytes_and_proves_its_protection() {
    let world = World::new();
    let mut arms = world.arms(&choice(ALL));
    // The documented example of another proxy is one that may be here.
    if arms.iter().any(|arm| arm.name().0 == "haproxy") {
        arms.extend(world.arms(&choice(EXAMPLE)));
    }
    assert!(["none", "relay"].iter().all(|name| arms.iter().any(|arm| arm.name().0 == *name)), "need nothing but us");
    for mut arm in arms {
        let _application = serve(&world.lab, arm.ends());
        proof::start(&world.lab, &mut *arm).unwrap();
        let seen = prove(&world.lab, &*arm, arm.about().protection).unwrap();
        println!("{}: {seen:?}; {} processes", arm.name(), arm.processes().unwrap().len());
        refuses_plaintext_from_outside(&*arm);
        arm.stop().unwrap();
        assert!(arm.processes().unwrap().is_empty());
    }
}

#[test]
fn a_relay_that_pretends_to_encrypt_is_found_out() {
    let world = World::new();
    let mut arm = world.arms(&choice("relay")).pop().unwrap();
    let _application = serve(&world.lab, arm.ends());
    arm.start().unwrap();
    let problem = prove(&world.lab, &*arm, Protection::MutualTls).unwrap_err();
    assert!(problem.contains("legible"), "{problem}");
    assert!(proof::mutual(&*arm).is_err());
}

#[test]
fn every_pod_has_the_same_congestion_control() {
    let world = World::new();
    let arms = world.arms(&choice("none,relay"));
    let ends = arms.iter().flat_map(|arm| [&arm.ends().client, &arm.ends().server]);
    let found: Vec<String> = ends.map(|pod| pods::congestion_control(pod).unwrap()).collect();
    assert!(found.iter().all(|each| *each == found[0]), "{found:?}");
    let clients = pods::congestion_controls(arms.iter().map(|arm| &arm.ends().client)).unwrap();
    assert_eq!(clients.found, found[0]);
    assert_eq!(clients.warnings.is_empty(), found[0] == pods::PINNED, "{:?}", clients.warnings);
}

#[test]
fn a_pod_with_another_congestion_control_is_told() {
    let world = World::new();
    let arms = world.arms(&choice("none,relay"));
    // Every kernel has it, and allows it to everybody.
    arms[0].ends().client.set_sysctl("net.ipv4.tcp_congestion_control", "reno").unwrap();
    let clients = pods::congestion_controls(arms.iter().map(|arm| &arm.ends().client)).unwrap();
    assert!(clients.found.contains("reno"), "{}", clients.found);
    assert!(
        clients.warnings.iter().any(|line| line.starts_with("congestion control is reno")),
        "{:?}",
        clients.warnings
    );
}

#[test]
fn an_arm_restarts() {
    let world = World::new();
    let mut arm = world.arms(&choice("relay")).pop().unwrap();
    let _application = serve(&world.lab, arm.ends());
    for _ in 0..3 {
        arm.start().unwrap();
        assert!(arm.start().is_err(), "it runs already");
        prove(&world.lab, &*arm, Protection::Relayed).unwrap();
        arm.stop().unwrap();
    }
}

#[test]
fn no_client_talks_to_a_server_with_a_strangers_certificate() {
    let world = World::new();
    let stranger = Certificates::make(&world.lab.directory().join("stranger")).unwrap();
    let certificates = Certificates { server: stranger.server, ..world.certificates.clone() };
    let ground = Ground { certificates: &certificates, ..world.ground() };
    for mut arm in choice("haproxy,nginx,envoy-tls,envoy-connect").build(&ground).unwrap() {
        let _application = serve(&world.lab, arm.ends());
        arm.start().unwrap();
        until(DEADLINE, "the client's proxy listens", || connect(&arm.ends().client, arm.ends().service)).unwrap();
        let (proxy, _) = arm.cold().unwrap().unwrap();
        until(DEADLINE, "the server's proxy listens", || connect(&world.one, proxy)).unwrap();
        assert!(talk(arm.ends()).is_err(), "{} talks to a stranger:\n{}", arm.name(), arm.log());
    }
}

struct World {
    certificates: Certificates,
    one: Host,
    two: Host,
    lab: Lab,
}

impl World {
    fn new() -> Self {
        rights::ensure().unwrap_or_else(|error| panic!("{error}; {}", error.hint().unwrap_or_default()));
        let lab = Lab::new().unwrap();
        let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
        let certificates = Certificates::make(&lab.directory().join("certificates")).unwrap();
        Self { certificates, one, two, lab }
    }

    fn ground(&self) -> Ground<'_> {
        Ground { lab: &self.lab, one: &self.one, two: &self.two, certificates: &self.certificates }
    }

    fn arms(&self, choice: &Choice) -> Vec<Box<dyn Arm>> {
        choice.build(&self.ground()).unwrap()
    }
}

/// What can be here; what cannot is printed.
fn choice(text: &str) -> Choice {
    let choice = choose(text, &[]).unwrap();
    choice.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    choice
}

/// One exchange of legible text, and what the wire showed of it.
fn prove(lab: &Lab, arm: &dyn Arm, protection: Protection) -> Result<String, String> {
    until(DEADLINE, "the way is open", || talk(arm.ends())).unwrap();
    let sampling = proof::sample(lab, arm.ends(), 1).unwrap();
    talk(arm.ends()).unwrap();
    let capture = sampling.finish().unwrap();
    let seen = proof::look(&capture, arm.ends(), protection);
    seen.verdict.map(|()| format!("{:?}", seen.proof))
}

/// Sends text with the marker in it to the application, which says it again.
fn talk(ends: &Ends) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    let mut stream = connect(&ends.client, ends.service).map_err(words)?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let text = MARKER.repeat(40);
    stream.write_all(&[ECHO, &text].concat()).map_err(words)?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).map_err(words)?;
    if answer == text { Ok(()) } else { Err("something else came back".to_owned()) }
}

fn connect(from: &Host, to: SocketAddr) -> std::io::Result<TcpStream> {
    from.inside(|| TcpStream::connect_timeout(&to, DEADLINE)).unwrap()
}

/// Not even the proxy's own user gets past the proxy, from the client's pod to the application.
fn refuses_plaintext_from_outside(arm: &dyn Arm) {
    let ends = arm.ends();
    let url = format!("http://{}/", ends.service);
    let curl = ends.client.command("curl").args(["-s", "-m", "5", &url]).uid(SIDECAR).gid(SIDECAR);
    let output = curl.run(DEADLINE).unwrap();
    let refused = !output.status.success() && output.stdout.is_empty();
    assert_eq!(refused, arm.about().protection != Protection::None, "{}: {output:?}", arm.name());
}

/// The application of the bench itself.
fn serve(lab: &Lab, ends: &Ends) -> Process {
    let program = lab.install(&binaries::find("bench-load").unwrap()).unwrap();
    let command = ends.server.command(program.to_string_lossy()).args(["serve", &ends.service.to_string()]);
    let server =
        command.uid(APPLICATION).gid(APPLICATION).spawn(&format!("{}-application", ends.server.name())).unwrap();
    server.wait_for_log("listening", DEADLINE).unwrap();
    server
}

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a connection to the application begins with that is to be echoed.
const ECHO: &[u8] = b"e";
const ALL: &str = "";
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bench-arm-example.yaml");
