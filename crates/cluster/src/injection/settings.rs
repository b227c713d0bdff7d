//! What the mesh's operator has settled for all pods, and what must be known of a pod's namespace.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bulkhead_mesh::TrustDomain;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What is the same for every pod of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The injector's own version, for the pod's annotation.
    pub version: String,
    /// What is run in the pod.
    pub images: Images,
    /// The CA's addresses, `host:port`.
    pub ca: Vec<String>,
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// For whom the pod's token is: the CA believes no other.
    pub audience: String,
    /// The ConfigMap of each namespace with the mesh's roots, under the key `root.pem`.
    pub trust_config_map: String,
    /// The mesh's addresses, as in the policy.
    pub mesh_cidrs: Vec<IpNet>,
    /// The name servers that pods may ask directly.
    pub resolvers: Vec<IpAddr>,
    /// What a sidecar asks of its node where the pod says nothing else.
    pub resources: Resources,
    /// What a sidecar logs where the pod says nothing else.
    pub log_level: LogLevel,
    /// How long from now a pod may be permissive at most.
    pub longest_permissive: Duration,
}

/// The images of the two containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Of the sidecar.
    pub proxy: String,
    /// Of the init container that installs the capture rules.
    pub capture: String,
    /// When they are pulled; none is Kubernetes' own rule.
    pub pull_policy: Option<PullPolicy>,
}

/// When an image is pulled, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// Where the node has it not.
    IfNotPresent,
    /// Never.
    Never,
}

/// What a sidecar asks of its node. There is no limit of processor time: it would slow the application's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Processor time that is kept for it.
    pub cpu_request: Quantity,
    /// Memory that is kept for it.
    pub memory_request: Quantity,
    /// The memory beyond which it is killed; none is no such bound.
    pub memory_limit: Option<Quantity>,
}

/// An amount as Kubernetes writes it: `100m`, `64Mi`, `0.5`. Compared by what it amounts to: `0.5` is `500m`.
#[derive(Clone, Debug)]
pub struct Quantity {
    text: String,
    /// In billionths.
    billionths: u128,
}

/// How much a sidecar logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What somebody must look at.
    Error,
    /// What somebody should know.
    Warn,
    /// A line for each connection, too.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

/// A pod's namespace, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// The value of its label [`INJECT`](crate::names::INJECT).
    pub inject: Option<String>,
    /// The value of its label [`POD_SECURITY`](crate::names::POD_SECURITY); none is what the cluster has by default.
    pub pod_security: Option<String>,
    /// Whether it is the cluster's or the mesh's own, and so never injected.
    pub is_system: bool,
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no amount such as `100m`, `0.5` or `64Mi`")]
pub struct ParseQuantityError {
    text: String,
}

/// Why a text is no log level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of error, warn, info, debug, trace")]
pub struct ParseLogLevelError {
    text: String,
}

impl Quantity {
    /// Whether it is a whole number, as bytes are.
    pub const fn is_whole(&self) -> bool {
        self.billionths.is_multiple_of(BILLION)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.billionths == other.billionths
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.billionths.cmp(&other.billionths)
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    /// Digits, at most one point between them, and a suffix of Kubernetes; not negative, not zero, no part of a billionth.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let billionths = billionths(text).filter(|billionths| *billionths > 0);
        let billionths = billionths.ok_or_else(|| ParseQuantityError { text: text.to_owned() })?;
        Ok(Self { text: text.to_owned(), billionths })
    }
}

fn billionths(text: &str) -> Option<u128> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (_, unit) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u128>().ok()).flatten();
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part = digits(part)?.checked_mul(*unit)?;
    let whole = digits(whole)?.checked_mul(*unit)?;
    whole.checked_add(part.is_multiple_of(scale).then_some(part / scale)?)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl LogLevel {
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Error, "error"),
        (Self::Warn, "warn"),
        (Self::Info, "info"),
        (Self::Debug, "debug"),
        (Self::Trace, "trace"),
    ];
}

impl FromStr for LogLevel {
    type Err = ParseLogLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::WORDS.iter().find(|(_, word)| *word == text).map(|(level, _)| *level);
        found.ok_or_else(|| ParseLogLevelError { text: text.to_owned() })
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(level, _)| level == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}

const BILLION: u128 = 1_000_000_000;

/// Of <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>, without the exponents; in
/// billionths.
const SUFFIXES: [(&str, u128); 16] = [
    ("", BILLION),
    ("n", 1),
    ("u", 1000),
    ("m", 1_000_000),
    ("k", 1000 * BILLION),
    ("M", 1_000_000 * BILLION),
    ("G", BILLION * BILLION),
    ("T", 1000 * BILLION * BILLION),
    ("P", 1_000_000 * BILLION * BILLION),
    ("E", BILLION * BILLION * BILLION),
    ("Ki", BILLION << 10),
    ("Mi", BILLION << 20),
    ("Gi", BILLION << 30),
    ("Ti", BILLION << 40),
    ("Pi", BILLION << 50),
    ("Ei", BILLION << 60),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_kubernetes_writes_it_and_compared_by_what_it_amounts_to() {
        let read = |text: &str| text.parse::<Quantity>().unwrap_or_else(|error| panic!("{error}"));
        for (text, same) in [
            ("100m", "0.1"),
            ("500m", "0.5"),
            ("64Mi", "65536Ki"),
            ("1", "1000m"),
            ("1.25Gi", "1280Mi"),
            ("2k", "2000"),
        ] {
            assert_eq!((read(text).to_string().as_str(), &read(text)), (text, &read(same)));
        }
        assert!(read("1Mi") < read("1.5Mi") && read("1Gi") > read("1G"));
        assert!(read("1Ki").is_whole() && !read("128m").is_whole());
        let (long, far) = ("9".repeat(40), format!("{}E", "9".repeat(30)));
        for text in ["", "0", "0.0Mi", "-1", "1.", ".5", "1.2.3", "64MB", "1 Mi", "Mi", "1e3", "0.1n", &long, &far] {
            assert_eq!(text.parse::<Quantity>(), Err(ParseQuantityError { text: text.to_owned() }));
        }
    }
}
