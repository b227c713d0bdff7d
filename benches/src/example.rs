//! A whole result as a bench writes it, made up: every kind of row, every arm, settings, failures. For tests.

use std::collections::BTreeMap;

use crate::arm::{About, ArmName, Protection};
use crate::result::{Machine, Measure, Outcome, Proof, Report, Row, Run};

/// [`whole`] with at most 5 rounds, so that a test is quick.
pub(crate) fn short() -> Report {
    let mut report = whole();
    report.rows.iter_mut().for_each(|row| row.runs.retain(|run| run.round < 5));
    report
}

/// All rows and arms; HAProxy failed twice, nginx once without proof and once took long, and a name and an error try to
/// be markup.
pub(crate) fn whole() -> Report {
    let mut report = empty();
    report.warnings = vec![
        "The machine was busy when this began: a load of 2.31 on 2 cores.".into(),
        "`ztunnel<script>` came from a file of its own.".into(),
    ];
    report.arms = ARMS.iter().map(|(name, ..)| (arm(name), about(name))).collect();
    report.rows = loads().chain(settings()).chain([memory(), ready()]).chain([100, 1000].map(revocation)).collect();
    fail(&mut report.rows[0], "haproxy", &[3, 9], "connection reset by peer after 1.2 s <b>&amp;</b>", None);
    let legible = Proof { packets: 200, captured: 180, legible: true, tls_records: 3, begun_without_tls: 1 };
    fail(&mut report.rows[5], "nginx", &[4], "the application's text was legible on the wire", Some(&legible));
    for run in report.rows[4].runs.iter_mut().filter(|run| run.arm.0 == "nginx" && run.round == 1) {
        run.outcome = Outcome::Measured(operation(600.0).into_iter().collect());
    }
    fail(&mut report.rows[8], "bulkhead", &[0], "the load generator ended with 1", None);
    report
}

/// A report without rows and arms.
pub(crate) fn empty() -> Report {
    Report {
        format: 1,
        began: "2026-11-24T20:45:00Z".into(),
        seconds: 6_480.0,
        version: "0.1.0 (9f3c2a1b5d7e8f60)".into(),
        told: BTreeMap::from([("QUICK".into(), "0".into()), ("ARMS".into(), "all".into())]),
        machine: Machine {
            kernel: "6.18.5".into(),
            processor: "AMD EPYC 9B45".into(),
            cores: 2,
            memory: 8_300_000_000,
            congestion_control: "cubic".into(),
            load_before: 0.42,
            steal: 0.013,
        },
        warnings: Vec::new(),
        arms: BTreeMap::new(),
        rows: Vec::new(),
        profiles: Vec::new(),
    }
}

/// A row of `primary` in which each arm found these values, round by round.
pub(crate) fn row(name: &str, primary: Measure, paired: bool, found: &[(&str, &[f64])]) -> Row {
    let runs = found.iter().zip(0..).flat_map(|((name, values), place)| {
        let runs = values.iter().zip(0..);
        runs.map(move |(value, round)| run(name, round, place, BTreeMap::from([(primary, *value)])))
    });
    let (name, family, title) = (name.to_owned(), name.to_owned(), format!("what {name} is"));
    Row { name, family, title, primary, paired, runs: runs.collect() }
}

/// Lets these rounds of an arm fail.
pub(crate) fn fail(row: &mut Row, name: &str, rounds: &[u32], sentence: &str, proof: Option<&Proof>) {
    for run in row.runs.iter_mut().filter(|run| run.arm.0 == name && rounds.contains(&run.round)) {
        run.outcome = Outcome::Failed(sentence.into());
        run.proof = proof.cloned();
    }
}

pub(crate) fn arm(name: &str) -> ArmName {
    ArmName(name.into())
}

fn run(name: &str, round: u32, place: u32, values: BTreeMap<Measure, f64>) -> Run {
    let at = f64::from(round) * 20.0 + f64::from(place) * 2.7;
    Run { arm: arm(name), round, place, at, proof: None, outcome: Outcome::Measured(values) }
}

/// Name, key exchange, what bulk, a round trip and a connection cost as shares of Bulkhead's, megabytes at rest.
const ARMS: [(&str, &str, [f64; 4]); 8] = [
    ("none", "", [0.0, 0.0, 0.0, 0.0]),
    ("relay", "", [0.52, 0.41, 0.13, 2.4]),
    ("haproxy", "X25519", [1.58, 1.39, 9.1, 23.3]),
    ("nginx", "X25519", [1.31, 1.36, 8.8, 39.6]),
    ("envoy-tls", "X25519MLKEM768", [1.06, 1.55, 6.7, 81.6]),
    ("envoy-connect", "X25519MLKEM768", [1.12, 1.48, 1.45, 82.3]),
    ("ztunnel<script>", "X25519MLKEM768", [1.0, 1.005, 1.6, 14.4]),
    ("bulkhead", "X25519MLKEM768", [1.0, 1.0, 1.0, 9.8]),
];

fn about(name: &str) -> About {
    let key_exchange = ARMS.iter().find(|arm| arm.0 == name).map(|arm| arm.1).filter(|kx| !kx.is_empty());
    let suite = if name.starts_with("envoy") { "TLS_AES_128_GCM_SHA256" } else { "TLS_AES_256_GCM_SHA384" };
    About {
        summary: format!("What {name} consists of, in one sentence for whoever reads the table."),
        versions: BTreeMap::from([(name.to_owned(), format!("{name} version 1.2.3, built 2026"))]),
        configuration: BTreeMap::from([
            ("client.conf".into(), format!("listen 15001 {{\n  to <{name}> & back;\n}}\n")),
            (
                "client, command line".into(),
                format!(
                    "{name} -f /run/bench/a-rather-long-path/{name}/client.conf --quiet --one-more-option-to-make-this-long 4"
                ),
            ),
        ]),
        protection: match name {
            "none" => Protection::None,
            "relay" => Protection::Relayed,
            _ => Protection::MutualTls,
        },
        pooled: ["bulkhead", "envoy-connect"].contains(&name),
        key_exchange: key_exchange.map(Into::into),
        cipher_suite: key_exchange.map(|_| suite.into()),
    }
}

fn loads() -> impl Iterator<Item = Row> {
    use Measure::{OperationsPerSecond, P99Micros, ProxyMicrosPerOperation, ProxySecondsPerGigabyte};
    let bulk = ["bulk-up-1", "bulk-up-4", "bulk-down-1", "bulk-down-4"]
        .map(|name| load(name, "bytes over its connections", ProxySecondsPerGigabyte, 15, |arm| gigabyte(arm.2[0])));
    let small = [
        ("ping-pong-1", "128 bytes there and back, over 1 connection", Measure::P50Micros, 15, 1, 44.0),
        ("ping-pong-32", "128 bytes there and back, over 32 connections", ProxyMicrosPerOperation, 15, 1, 33.0),
        ("connect-16", "connect, 128 bytes there and back, close; 16 at a time", ProxyMicrosPerOperation, 15, 2, 167.0),
        (
            "handshake-16",
            "TLS connections, 16 at a time, each with a full handshake",
            ProxyMicrosPerOperation,
            15,
            2,
            400.0,
        ),
        (
            "http-capacity",
            "HTTP/1.1, the next request when the one before was answered",
            OperationsPerSecond,
            3,
            1,
            61.0,
        ),
        ("http-25", "HTTP/1.1 requests at 25 % of what the slowest arm can", P99Micros, 3, 1, 61.0),
        ("http-50", "HTTP/1.1 requests at 50 % of what the slowest arm can", P99Micros, 3, 1, 64.0),
        ("http-75", "HTTP/1.1 requests at 75 % of what the slowest arm can", P99Micros, 3, 1, 70.0),
        (
            "grpc-capacity",
            "unary gRPC, the next call when the one before was answered",
            OperationsPerSecond,
            3,
            1,
            90.0,
        ),
        ("grpc-50", "unary gRPC calls at 50 % of what the slowest arm can", P99Micros, 3, 1, 95.0),
    ];
    let small = small.map(|(name, title, primary, rounds, which, cost)| {
        load(name, title, primary, rounds, move |arm| operation(arm.2[which] * cost))
    });
    bulk.into_iter().chain(small)
}

type Values = Vec<(Measure, f64)>;

fn gigabyte(proxies: f64) -> Values {
    let (proxies, machine) = (proxies * 1.62, proxies * 1.62 + 0.55);
    vec![
        (Measure::ProxySecondsPerGigabyte, proxies),
        (Measure::MachineSecondsPerGigabyte, machine),
        (Measure::GigabytesPerSecond, 1.7 / machine),
    ]
}

fn operation(proxies: f64) -> Values {
    let machine = proxies + 21.0;
    vec![
        (Measure::ProxyMicrosPerOperation, proxies),
        (Measure::MachineMicrosPerOperation, machine),
        (Measure::OperationsPerSecond, 1.9e6 / machine),
        (Measure::P50Micros, 61.0 + proxies * 1.4),
        (Measure::P99Micros, 140.0 + proxies * 3.1),
        (Measure::P999Micros, 300.0 + proxies * 9.0),
    ]
}

fn load(
    name: &str,
    title: &str,
    primary: Measure,
    rounds: u32,
    values: impl Fn(&(&str, &str, [f64; 4])) -> Values,
) -> Row {
    let taking_part = ARMS.iter().filter(|arm| !name.starts_with("handshake") || !["none", "relay"].contains(&arm.0));
    let arms: Vec<_> = taking_part.map(|arm| (arm.0.to_owned(), values(arm))).collect();
    whole_row(name, title, primary, true, rounds, &arms)
}

fn whole_row(name: &str, title: &str, primary: Measure, paired: bool, rounds: u32, arms: &[(String, Values)]) -> Row {
    let mut noise = Noise(u64::from(rounds) * 7 + name.bytes().map(u64::from).sum::<u64>());
    let mut runs = Vec::new();
    for round in 0..rounds {
        for ((arm, values), place) in arms.iter().zip(0..) {
            let values = values.iter().map(|(measure, value)| (*measure, noise.around(*measure, *value)));
            runs.push(run(arm, round, place, values.collect()));
        }
    }
    let family = name.split('-').next().unwrap_or(name).to_owned();
    Row { name: name.into(), family, title: title.into(), primary, paired, runs }
}

fn settings() -> impl Iterator<Item = Row> {
    ["rules", "cutoffs"].into_iter().flat_map(|family| {
        let sizes = if family == "rules" { ["100", "10000"] } else { ["10000", "1000000"] };
        let names = [format!("bulkhead@{family}-{}", sizes[0]), format!("bulkhead@{family}-{}", sizes[1])];
        let slow = if family == "rules" { 1.0 } else { 1.4 };
        let [one, two] = names;
        let small = [
            ("bulkhead".to_owned(), operation(167.0)),
            (one.clone(), operation(167.0)),
            (two.clone(), operation(167.0 * slow)),
        ];
        let bulk = [("bulkhead".to_owned(), gigabyte(1.0)), (one, gigabyte(1.0)), (two, gigabyte(1.0))];
        let title = format!("connect, 128 bytes there and back, close; 16 at a time, with many {family}");
        [
            whole_row(&format!("{family}-connect-16"), &title, Measure::ProxyMicrosPerOperation, true, 3, &small),
            whole_row(
                &format!("{family}-bulk-down-1"),
                &format!("bytes to the client over 1 connection, with many {family}"),
                Measure::ProxySecondsPerGigabyte,
                true,
                3,
                &bulk,
            ),
        ]
    })
}

fn memory() -> Row {
    let arms = ARMS.iter().filter(|arm| arm.0 != "none").map(|arm| (arm.0.to_owned(), megabytes(arm.2[3])));
    let title = "memory of both proxies: at rest, with idle connections, after a burst, after a rest";
    whole_row("memory", title, Measure::MegabytesAtRest, true, 3, &arms.collect::<Vec<_>>())
}

fn megabytes(rest: f64) -> Values {
    let each = 10.0 + rest * 0.9;
    vec![
        (Measure::MegabytesAtRest, rest),
        (Measure::MegabytesWith1000, rest + each),
        (Measure::MegabytesWith10000, rest + each * 10.0),
        (Measure::KilobytesPerConnectionTo1000, each),
        (Measure::KilobytesPerConnectionTo10000, each * 0.97),
        (Measure::MegabytesAfterBurst, rest + 70.0),
        (Measure::MegabytesAfterRest, rest + 12.0),
    ]
}

fn ready() -> Row {
    let arms = ARMS.iter().filter(|arm| arm.0 != "none");
    let arms = arms.map(|arm| (arm.0.to_owned(), vec![(Measure::MillisToReady, 20.0 + 4.0 * arm.2[3])]));
    let title = "from the start of both proxies to the first answer through them";
    whole_row("ready", title, Measure::MillisToReady, true, 3, &arms.collect::<Vec<_>>())
}

fn revocation(proxies: u32) -> Row {
    let count = f64::from(proxies);
    let values = vec![
        (Measure::MillisToAcknowledgement, 9.0 + count * 0.11),
        (Measure::MillisToLastPayload, 4.0 + count * 0.002),
        (Measure::ProxiesExpected, count),
        (Measure::ProxiesEnforced, count),
    ];
    let title = format!("a node is revoked while {proxies} proxies watch");
    let arms = [("bulkhead".to_owned(), values)];
    whole_row(&format!("revocation-{proxies}"), &title, Measure::MillisToAcknowledgement, false, 3, &arms)
}

/// Dice of its own, so that the same page is made each time.
struct Noise(u64);

impl Noise {
    fn around(&mut self, measure: Measure, value: f64) -> f64 {
        if [Measure::ProxiesExpected, Measure::ProxiesEnforced].contains(&measure) {
            return value;
        }
        // A now and then disturbed run lies far above the rest.
        let disturbed = if self.next() > 0.97 { 0.6 } else { 0.0 };
        value * (0.97 + 0.06 * self.next() + disturbed)
    }

    /// Above 0 and below 1 (a linear congruence, Knuth's MMIX).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap_or(0)) / f64::from(1_u32 << 31)
    }
}
