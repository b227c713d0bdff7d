//! What the wire says of an arm: captured, encrypted, mutual, or an error in place of a figure.
//!
//! Two looks. When an arm starts, [`start`] sees the handshake of its proxies whole, and knocks at the server's proxy as
//! somebody who may not come in. In each run, [`sample`] and [`look`] see its first packets.

mod handshake;
mod knock;
mod wire;

use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bulkhead_lab::capture::Sampling;
use bulkhead_lab::{Lab, LabError, until};
use bulkhead_measure::load::MARKER;

pub use handshake::handshake;
pub use wire::{Seen, look};

use crate::arm::{Arm, Ends, Protection};
use crate::certificates::Certificates;
use knock::{Answer, knock};

/// Begins to capture the first packets of a run with so many connections at a time, for [`look`]: what is first seen of
/// each is that it is opened.
pub fn sample(lab: &Lab, ends: &Ends, connections: u32) -> Result<Sampling, LabError> {
    let opening = PACKETS_OF_OPENING * connections.min(MANY) as usize;
    lab.sample(&ends.client, PACKETS + opening, BYTES)
}

/// Starts the proxies of an arm, waits until they have made a connection with each other, and proves by it that they use
/// what the arm says and refuse whom they must. Nothing is to be proved of an arm that does not encrypt.
///
/// The application must run: the server's proxy is spoken to.
pub fn start(lab: &Lab, arm: &mut dyn Arm) -> Result<()> {
    if arm.about().protection != Protection::MutualTls {
        return arm.start();
    }
    let sampling = lab.sample(&arm.ends().client, HANDSHAKE_PACKETS, WHOLE)?;
    arm.start()?;
    let proved = prove(arm, sampling);
    proved.with_context(|| format!("the proxies of {} have logged:\n{}", arm.name(), arm.log()))
}

fn prove(arm: &dyn Arm, sampling: Sampling) -> Result<()> {
    until_shaken_hands(arm, &sampling)?;
    let capture = sampling.finish()?;
    handshake(&capture, arm.ends(), arm.about()).map_err(anyhow::Error::msg)?;
    mutual(arm)
}

/// Connects to the service as an application of the client's pod would, until the proxies have agreed on something.
fn until_shaken_hands(arm: &dyn Arm, sampling: &Sampling) -> Result<()> {
    let mut held = None;
    until(DEADLINE, "a handshake between the proxies", || {
        let seen = arm.processes().and_then(|_| Ok(handshake::agreed(&sampling.so_far()?, arm.ends())));
        match seen {
            Ok(None) => Err(hold(&mut held, arm.ends())),
            // A proxy that has ended will not do it any more.
            ended_or_seen => Ok(ended_or_seen.map(drop)),
        }
    })?
}

/// Keeps one connection open, and says how that is going.
fn hold(held: &mut Option<TcpStream>, ends: &Ends) -> String {
    if held.as_ref().is_some_and(is_open) {
        return "a connection to the client's proxy, and no answer of the server's".to_owned();
    }
    let connected = ends.client.inside(|| TcpStream::connect_timeout(&ends.service, PATIENCE));
    match connected {
        Ok(Ok(stream)) => *held = Some(stream),
        Ok(Err(error)) => return format!("the client's proxy does not answer: {error}"),
        Err(error) => return error.to_string(),
    }
    "a new connection to the client's proxy".to_owned()
}

fn is_open(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Knocks at the server's proxy without a certificate and with a stranger's, and must be refused; then with the arm's
/// own, and must be answered.
pub fn mutual(arm: &dyn Arm) -> Result<()> {
    let Some((proxy, cold)) = arm.cold()? else { bail!("{} says not how to speak to its server's proxy", arm.name()) };
    let stranger = stranger()?;
    let whoever = [("without a certificate", None), ("with a stranger's certificate", Some(&stranger.1))];
    for (who, identity) in whoever {
        match knock(&arm.ends().client, proxy, &cold, identity)? {
            Answer::Refused(_) => {}
            other => bail!("the server's proxy does not refuse a client {who}: {other:?}"),
        }
    }
    let answer = knock(&arm.ends().client, proxy, &cold, Some(&cold.identity))?;
    ensure!(answer == Answer::Data, "the server's proxy refuses the arm's own certificate: {answer:?}");
    Ok(())
}

/// Somebody whom no arm knows; the files go with the directory.
fn stranger() -> Result<(tempfile::TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let identity = Certificates::make(directory.path())?.client.identity;
    Ok((directory, identity))
}

/// As many packets as are looked at in each run, besides those that open its connections.
const PACKETS: usize = 200;
const PACKETS_OF_OPENING: usize = 8;
/// No generator opens more connections than this at a time.
const MANY: u32 = 128;
/// As much of each: the headers, and enough payload for the application's marker, which comes every 128 bytes.
const BYTES: usize = 256;
/// More than a handshake and what goes before it.
const HANDSHAKE_PACKETS: usize = 2000;
const WHOLE: usize = 65_535;
/// As long as proxies may take from their start to their first connection.
const DEADLINE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(2);
