//! What one run of a load generator found: one line of JSON.

use serde::{Deserialize, Serialize};

/// One measured stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seconds from the first reading of the clocks to the second; all figures below are of this time.
    pub seconds: f64,
    /// Operations that ended well: round trips, connections, requests or calls; 0 for bulk.
    pub operations: u64,
    /// Bytes of payload that the receiving application took, both directions together.
    pub bytes: u64,
    /// Operations that failed.
    pub failures: u64,
    /// The first failure, in words; none without failures.
    pub first_failure: Option<String>,
    /// Processor seconds (user and system together) of each watched process, in the order of
    /// [`Order::watch`](crate::Order::watch).
    pub watched: Vec<f64>,
    /// Processor seconds of the load generator itself; not those of the application that answers it.
    pub own: f64,
    /// Processor seconds in which the machine was not idle, summed over its processors, `steal` included.
    pub machine: f64,
    /// Of those, the ones that the host of the virtual machine took away.
    pub steal: f64,
    /// How long operations took, for work that has operations.
    pub latency: Option<Latency>,
}

/// How long operations took, in nanoseconds, from an HdrHistogram of three significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// How many operations this is of.
    pub count: u64,
    /// Half took at most this.
    pub p50: u64,
    /// 90 of 100 took at most this.
    pub p90: u64,
    /// 99 of 100 took at most this.
    pub p99: u64,
    /// 999 of 1,000 took at most this.
    pub p999: u64,
    /// The longest took this.
    pub max: u64,
}
