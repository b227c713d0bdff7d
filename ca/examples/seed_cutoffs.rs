//! `seed_cutoffs`: fills the records of a CA that does not run with cutoffs of what was never there, for measurements.
//!
//! It signs and writes them as `serve` does, through the same store, so that nothing but the CA's library knows the
//! schema; a third each of serials, instances and nodes, in force for thirty days.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bulkhead_ca::audit::{Action, Actor, AuditRecord, Outcome};
use bulkhead_ca::authority::Authority;
use bulkhead_ca::begin;
use bulkhead_ca::denied::Denied;
use bulkhead_ca::seal::Unsealer;
use bulkhead_ca::store::{FactKind, Lane, Limits, Position, SignedBody, Store, Tx};
use bulkhead_daemon::{SystemClock, version};
use bulkhead_identity::Clock as _;
use bulkhead_mesh::{Cutoff, Epoch, InstanceId, NodeName, Reason, Serial, Subject, Timestamp};
use bulkhead_protocol::feed::{self, FeedSigner, Incarnation, Statement};
use clap::Parser;

/// Fills the records of a CA that does not run with cutoffs of what was never there.
#[derive(Debug, Parser)]
#[command(name = "seed_cutoffs", version = version::text(option_env!("BULKHEAD_BUILD_ID")), max_term_width = 100)]
#[command(after_help = "Example:\n  seed_cutoffs --dir ca --unseal-file unseal --cutoffs 10000")]
struct Arguments {
    /// The directory that `bulkhead-ca init` made.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The file that opens the CA's keys.
    #[arg(long, value_name = "FILE")]
    unseal_file: PathBuf,
    /// How many cutoffs; a proxy holds at most 1,000,000.
    #[arg(long, value_name = "NUMBER")]
    cutoffs: u32,
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stderr, reason = "the last word of a program that cannot go on")]
async fn main() -> ExitCode {
    match seed(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn seed(arguments: Arguments) -> anyhow::Result<()> {
    let unsealer = Unsealer::read_unseal_file(&arguments.unseal_file)?;
    let authority = Authority::load(&arguments.dir, &unsealer)?;
    let store = Store::open(&begin::records(&arguments.dir), Limits::default())?;
    let now = SystemClock::default().now();
    let mut first = 0;
    while first < arguments.cutoffs {
        let end = arguments.cutoffs.min(first.saturating_add(AT_ONCE));
        let (signer, numbers) = (authority.feed_signer()?, first..end);
        let written = store.write(Lane::Ordinary, move |tx| append(tx, &signer, numbers, now));
        written.await.with_context(|| format!("cutoffs {first} to {end} were not written"))?;
        first = end;
    }
    store.close().await;
    Ok(())
}

/// One transaction: the facts, and the record of who made them.
fn append(tx: &mut Tx<'_>, signer: &FeedSigner, numbers: std::ops::Range<u32>, clock: Timestamp) -> Result<(), Denied> {
    let at = tx.now(clock)?;
    let (bound, subject) = (at.plus(IN_FORCE), format!("{} subjects that never were", numbers.len()));
    for number in numbers {
        let cutoff = Cutoff { subject: nobody(number), reason: reason(), bound };
        tx.append_fact(FactKind::Cutoff, Some(bound), |position| sign(signer, position, cutoff))?;
    }
    let (actor, action, outcome) = (Actor::Ca, Action::CutOff, Outcome::Done);
    tx.audit(&AuditRecord { at, actor, action, subject, detail: reason().to_string(), outcome })?;
    Ok(())
}

fn sign(signer: &FeedSigner, position: Position, cutoff: Cutoff) -> Result<SignedBody, Denied> {
    let Position { incarnation, n } = position;
    let position = feed::Position { incarnation: Incarnation::new(incarnation), n };
    let fact = signer.fact(position, &Statement::Cutoff(cutoff))?;
    Ok(SignedBody { body: fact.body().to_vec(), signature: fact.signature().to_vec() })
}

/// A certificate, an instance or a node of this number, of which no mesh has one.
fn nobody(number: u32) -> Subject {
    let mut bytes = [0xb0; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    match number % 3 {
        0 => Subject::Serial(Serial::from_random(bytes)),
        1 => Subject::Instance { instance: InstanceId::from_bytes(bytes), issued_before: Timestamp::MAX },
        _ => Subject::Node { node: node(number), epoch: Epoch::FIRST },
    }
}

fn node(number: u32) -> NodeName {
    format!("gone-{number:010}").parse().expect("letters, a hyphen and digits are a name")
}

fn reason() -> Reason {
    "seeded for a measurement".parse().expect("it is short and printable")
}

/// A commit waits for the disk once, and a transaction of this many facts holds some 20 MB in the write-ahead log.
const AT_ONCE: u32 = 50_000;
const IN_FORCE: Duration = Duration::from_hours(30 * 24);
