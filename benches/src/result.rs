//! The result of a bench as it is written to JSON: every run, none dropped, and what they were run on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arm::{About, ArmName};
use crate::profile::Profile;

/// One whole bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The format of this file; 1.
    pub format: u32,
    /// When it began, RFC 3339 in UTC.
    pub began: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Bulkhead's version and build.
    pub version: String,
    /// What it was told: the values of `QUICK`, `ARMS`, `ARM_FILES` and `WORK`.
    pub told: BTreeMap<String, String>,
    /// Where it ran.
    pub machine: Machine,
    /// What a reader must know before the figures: a busy machine, an arm that is missing, too few descriptors.
    pub warnings: Vec<String>,
    /// What was compared.
    pub arms: BTreeMap<ArmName, About>,
    /// What was measured, in the order of the table.
    pub rows: Vec<Row>,
    /// Where Bulkhead's cycles went under bulk, ping-pong and connect; empty where `perf` may not look.
    pub profiles: Vec<Profile>,
}

/// The machine, and how busy others kept it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// `uname -r`.
    pub kernel: String,
    /// The processor's name.
    pub processor: String,
    /// How many of its cores there are.
    pub cores: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Congestion control as it was found in the arms' pods; several names where they differ.
    pub congestion_control: String,
    /// Load average over one minute when it began.
    pub load_before: f64,
    /// Share of the processors' time that the host took away while it ran, 0 to 1.
    pub steal: f64,
}

/// One kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, as in `bulk-up-4`; unique.
    pub name: String,
    /// The family, as `WORK=` takes it, e.g. `bulk`.
    pub family: String,
    /// What it is, in a sentence.
    pub title: String,
    /// The measure by which the table compares.
    pub primary: Measure,
    /// Whether an arm's run is compared with Bulkhead's of the same round (a pair); else a row is of Bulkhead alone.
    pub paired: bool,
    /// Every run.
    pub runs: Vec<Run>,
}

/// One run of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Which arm, or which setting of Bulkhead.
    pub arm: ArmName,
    /// The round, from 0.
    pub round: u32,
    /// The place in the round, from 0.
    pub place: u32,
    /// Seconds since the bench began.
    pub at: f64,
    /// What was seen on the wire meanwhile; none where a row has nothing to send.
    pub proof: Option<Proof>,
    /// What was found.
    pub outcome: Outcome,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Figures.
    Measured(BTreeMap<Measure, f64>),
    /// None, and why.
    Failed(String),
}

/// What the first packets of a run were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// How many were looked at.
    pub packets: usize,
    /// How many went to or from the port of a proxy, 15008.
    pub captured: usize,
    /// Whether the application's text was seen.
    pub legible: bool,
    /// How many payloads began as a TLS record does.
    pub tls_records: usize,
    /// How many connections, of those whose opening was seen, began with something else than a handshake of TLS.
    #[serde(default)]
    pub begun_without_tls: usize,
}

/// A figure of a run. Units are part of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Processor seconds of both proxies for a gigabyte (10^9 bytes) of payload.
    ProxySecondsPerGigabyte,
    /// The same of the whole machine.
    MachineSecondsPerGigabyte,
    /// Gigabytes (10^9 bytes) of payload a second.
    GigabytesPerSecond,
    /// Processor microseconds of both proxies for an operation.
    ProxyMicrosPerOperation,
    /// The same of the whole machine.
    MachineMicrosPerOperation,
    /// Operations a second.
    OperationsPerSecond,
    /// Microseconds that half of the operations took at most.
    P50Micros,
    /// 99 of 100.
    P99Micros,
    /// 999 of 1,000.
    P999Micros,
    /// Proportional set size of both proxies in megabytes (10^6 bytes), before any connection.
    MegabytesAtRest,
    /// The same with 1,000 idle connections.
    MegabytesWith1000,
    /// The same with 10,000 idle connections.
    MegabytesWith10000,
    /// Kilobytes (10^3 bytes) for each idle connection more, from 0 to 1,000.
    KilobytesPerConnectionTo1000,
    /// The same from 1,000 to 10,000.
    KilobytesPerConnectionTo10000,
    /// Megabytes right after a burst of bulk over many connections.
    MegabytesAfterBurst,
    /// Megabytes after the proxies were left alone for a while: 60 s, with `QUICK` 5 s.
    MegabytesAfterRest,
    /// Milliseconds from the start of both proxies to the first answer through them.
    MillisToReady,
    /// Milliseconds from the commit of a revocation to the last acknowledgement.
    MillisToAcknowledgement,
    /// Milliseconds from the commit to the last payload segment of the revoked node's tunnels.
    MillisToLastPayload,
    /// Proxies that the CA expected to acknowledge.
    ProxiesExpected,
    /// Proxies that did.
    ProxiesEnforced,
    /// Share of the measured time, 0 to 1, in which the load generator, a single thread, was busy.
    GeneratorBusy,
    /// The same of the application.
    ApplicationBusy,
    /// Operations that failed, and are in no other figure.
    FailedOperations,
}
