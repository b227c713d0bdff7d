//! What one run of a load generator found: one line of JSON.

use serde::{Deserialize, Serialize};

/// One measured stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seconds between the two readings of the clocks.
    pub seconds: f64,
    /// Operations that ended in that time: round trips, connections, requests; 0 for bulk.
    pub operations: u64,
    /// Bytes of payload that the receiving application took in that time, both directions.
    pub bytes: u64,
    /// Operations that failed in that time, and of what kind the first was.
    pub failures: u64,
    /// The first failure, in words.
    pub first_failure: Option<String>,
    /// Processor seconds (user and system together) of each watched process, in the order of the order.
    pub watched: Vec<f64>,
    /// The same of the load generator itself.
    pub own: f64,
    /// Processor seconds that the whole machine was not idle.
    pub machine: f64,
    /// Of those, taken away by the host of the virtual machine.
    pub steal: f64,
    /// How long operations took, where that is asked.
    pub latency: Option<Latency>,
}

/// Percentiles in nanoseconds, from an HdrHistogram of three significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// How many operations.
    pub count: u64,
    /// Half took at most this.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}
