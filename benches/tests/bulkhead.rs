//! Bulkhead as an arm, and the rows that only it has, on real sidecars in a lab.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bulkhead_benches::arm::{Arm as _, End, Protection};
use bulkhead_benches::arms::{Ground, choose};
use bulkhead_benches::bulkhead::{Bulkhead, Setting};
use bulkhead_benches::certificates::Certificates;
use bulkhead_benches::result::{Measure, Outcome};
use bulkhead_benches::revocation::{Size, revocations_before};
use bulkhead_benches::stop::Stop;
use bulkhead_lab::capture::{Capture, server_hello_key_share};
use bulkhead_lab::{Lab, binaries};
use bulkhead_tests::DEADLINE;
use bulkhead_tests::workload::APPLICATION;

/// What `bench-watchers pour` sends, as far as a capture needs it.
const POURED: &[u8] = &[b'x'; 128];
const X25519_MLKEM768: u16 = 0x11ec;

fn lab() -> Result<Arc<Lab>> {
    bulkhead_lab::rights::ensure()?;
    Ok(Arc::new(Lab::new()?))
}

/// Bytes from the server's application to the client's, and what was on the wire meanwhile.
fn pour(arm: &Bulkhead, lab: &Lab) -> Result<Capture> {
    let program = lab.install(&binaries::find("bench-watchers")?)?.to_string_lossy().into_owned();
    let (ends, name) = (arm.ends(), arm.name());
    let service = ends.service.to_string();
    let recording = lab.capture()?;
    let pour = ends.server.command(&program).args(["pour", &service]).uid(APPLICATION).gid(APPLICATION);
    let pour = pour.spawn(&format!("{name}-pour"))?;
    pour.wait_for_log("listening", DEADLINE)?;
    let drink = ends.client.command(&program).args(["drink", &service]).uid(APPLICATION).gid(APPLICATION);
    let drink = drink.spawn(&format!("{name}-drink"))?;
    drink.wait_for_log("flowing", DEADLINE).with_context(|| arm.log())?;
    drop((drink, pour));
    Ok(recording.stop()?)
}

#[test]
fn bytes_pass_illegibly_and_a_restarted_pair_carries_them_again() -> Result<()> {
    let lab = lab()?;
    let mut arm = Bulkhead::stand(&lab, Setting::Plain)?;
    ensure!(arm.name().0 == "bulkhead" && arm.about().protection == Protection::MutualTls);
    let capture = pour(&arm, &lab)?;
    ensure!(!capture.payload_contains(POURED), "the payload was legible");
    let answers = capture.streams().into_iter().filter(|stream| stream.from.port() == 15_008);
    let shares: Vec<_> = answers.filter_map(|stream| server_hello_key_share(&stream.bytes)).collect();
    ensure!(!shares.is_empty() && shares.iter().all(|share| *share == X25519_MLKEM768), "{shares:x?}");
    let before = arm.processes()?;
    ensure!(before.iter().map(|process| process.end).eq([End::Client, End::Server]));
    arm.stop()?;
    ensure!(arm.processes().is_err(), "a stopped arm has processes");
    arm.start()?;
    arm.until_ready()?;
    pour(&arm, &lab)?;
    let (address, cold) = arm.cold()?.context("Bulkhead speaks TLS")?;
    ensure!(address.port() == 15_008 && cold.authority == arm.ends().service);
    let identity = std::fs::read_to_string(&cold.identity)?;
    ensure!(identity.contains("PRIVATE KEY") && identity.matches("BEGIN CERTIFICATE").count() == 2, "{identity}");
    ensure!(std::fs::read_to_string(&cold.roots)?.contains("BEGIN CERTIFICATE"));
    Ok(())
}

#[test]
fn its_pods_have_the_kernel_parameters_of_other_arms() -> Result<()> {
    let lab = lab()?;
    let bulkhead = Bulkhead::stand(&lab, Setting::Plain)?;
    let certificates = Certificates::make(&lab.directory().join("certificates"))?;
    let (one, two) = (lab.host("one")?, lab.host("two")?);
    let ground = Ground { lab: &lab, one: &one, two: &two, certificates: &certificates };
    let relay = choose("relay", &[])?.build(&ground)?.pop().context("the relay is ours")?;
    let found = [bulkhead.about(), relay.about()].map(|about| about.configuration["kernel parameters"].clone());
    ensure!(found[0] == found[1] && found[0].contains("tcp_congestion_control"), "{found:?}");
    Ok(())
}

#[test]
fn many_rules_and_many_cutoffs_of_others_stand_in_one_lab_and_let_the_pair_talk() -> Result<()> {
    let lab = lab()?;
    for setting in [Setting::Rules(10_000), Setting::Cutoffs(2_000)] {
        let arm = Bulkhead::stand(&lab, setting)?;
        pour(&arm, &lab)?;
        let facts = arm.mesh().operator().json(&["status"])?["position"]["n"].as_u64();
        let cutoffs = if setting == Setting::Cutoffs(2_000) { 2_000 } else { 0 };
        // The issuers, the first policy, and the one that was applied.
        ensure!(facts == Some(cutoffs + 3), "{setting:?}: {facts:?}");
    }
    Ok(())
}

#[test]
fn a_revocation_is_enforced_by_real_sidecars_and_by_watchers_and_both_clocks_say_when() -> Result<()> {
    let mut said = Vec::new();
    let size = Size { proxies: 12, real: 2 };
    let runs = revocations_before(size, Instant::now(), 2, &Stop::default(), &mut |step| said.push(step.to_owned()))?;
    ensure!(runs.len() == 2 && said.iter().any(|step| step == "registering 10 watchers"), "{said:?}");
    for run in runs {
        let Outcome::Measured(figures) = run.outcome else { anyhow::bail!("{:?}", run.outcome) };
        ensure!(figures[&Measure::ProxiesExpected].to_bits() == 12.0_f64.to_bits(), "{figures:?}");
        ensure!(figures[&Measure::ProxiesEnforced].to_bits() == 12.0_f64.to_bits(), "{figures:?}");
        // 0 where the downloads were between two segments and the cut was faster than the next one.
        ensure!((0.0..=1000.0).contains(&figures[&Measure::MillisToLastPayload]), "{figures:?}");
    }
    Ok(())
}
