//! What is left of a lab: nothing.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use bulkhead_lab::{Host, until};

use crate::{DEADLINE, is_alive, lab};

#[test]
fn teardown_leaves_no_process_no_namespace_and_no_file() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let pod = host.pod("web").unwrap();
    let recording = lab.capture().unwrap();
    let daemon = "setsid sleep 1000 & echo daemon $!; exec sleep 1000";
    let process = pod.command("sh").args(["-c", daemon]).uid(10101).gid(10101).spawn("daemon").unwrap();
    let daemon = process.wait_for_log("daemon ", DEADLINE).unwrap().replace("daemon ", "");
    let networks = [Network::of(&host), Network::of(&pod)];
    let directory = lab.directory().to_owned();
    drop(lab);
    assert!(!is_alive(&daemon) && !process.is_running() && !directory.exists());
    assert!(recording.stop().is_err() && host.inside(|| ()).is_err());
    assert!(networks.iter().all(Network::is_deserted));
}

#[test]
fn a_process_that_forks_away_during_teardown_does_not_escape() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let network = Network::of(&host);
    // Each generation starts the next one and ends.
    let script = "n() { sleep 0.1; n & }; echo up; n";
    let process = host.command("sh").args(["-c", script]).spawn("generations").unwrap();
    process.wait_for_log("up", DEADLINE).unwrap();
    drop(lab);
    assert!(network.is_deserted());
}

/// A network namespace, kept open, since its number may be another's as soon as it is gone.
struct Network(File);

impl Network {
    fn of(host: &Host) -> Self {
        Self(File::open(format!("/proc/{}/ns/net", host.pid())).unwrap())
    }

    fn is_deserted(&self) -> bool {
        let number = self.0.metadata().unwrap().ino();
        let networks = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("ns/net"));
        !networks.filter_map(|network| network.metadata().ok()).any(|network| network.ino() == number)
    }
}

#[test]
fn a_lab_whose_program_is_killed_goes_with_it() {
    // This test, run as a program in its own lab, plays the one that is killed.
    if std::env::var_os(VICTIM).is_some() {
        return wait_for_death();
    }
    let lab = lab();
    let itself = std::env::current_exe().unwrap();
    let victim = lab.host("one").unwrap().command(itself.to_str().unwrap());
    let victim = victim
        .args(["--exact", "teardown::a_lab_whose_program_is_killed_goes_with_it", "--nocapture"])
        .env(VICTIM, "1");
    // Killed as it is, it cannot remove its directory; ours goes, and that with it.
    let victim = victim.env("TMPDIR", lab.directory()).spawn("victim").unwrap();
    let inner = victim.wait_for_log("inner ", DEADLINE).unwrap();
    let inner = inner.rsplit(' ').next().unwrap().to_owned();
    assert!(is_alive(&inner));
    victim.kill();
    until(DEADLINE, "end of the process in the killed program's lab", || (!is_alive(&inner)).then_some(())).unwrap();
}

fn wait_for_death() {
    let lab = lab();
    let pod = lab.host("one").unwrap().pod("web").unwrap();
    let daemon = "setsid sleep 1000 & echo inner $!; wait";
    let process = pod.command("sh").args(["-c", daemon]).uid(10101).gid(10101).spawn("sleep").unwrap();
    eprintln!("{}", process.wait_for_log("inner", DEADLINE).unwrap());
    process.wait(DEADLINE * 2).unwrap();
}

const VICTIM: &str = "BULKHEAD_LAB_VICTIM";
