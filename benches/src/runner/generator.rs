//! What a load generator is told, and what it prints. Pure.

use anyhow::{Context as _, Result};
use bulkhead_measure::{Sample, Work};

use crate::arm::{End, ProxyProcess};

/// Whose time is counted: both proxies', but at a handshake without the client's proxy only the server's.
pub(super) fn watched(work: Work, processes: &[ProxyProcess]) -> Vec<u32> {
    let is_alone = matches!(work, Work::Handshake { .. });
    processes.iter().filter(|process| !is_alone || process.end == End::Server).map(|process| process.pid).collect()
}

/// How many connections a work has at a time.
pub(super) const fn connections(work: Work) -> u32 {
    match work {
        Work::Bulk { connections, .. }
        | Work::PingPong { connections }
        | Work::Http { connections, .. }
        | Work::Grpc { connections, .. }
        | Work::Idle { connections } => connections,
        Work::Connect { parallel } | Work::Handshake { parallel } => parallel,
    }
}

/// The sample in what a load generator has printed.
pub(super) fn read_sample(text: &str) -> Result<Sample> {
    let line = text.lines().rfind(|line| line.contains(FIRST_FIELD)).context("the load generator printed no sample")?;
    serde_json::from_str(line).with_context(|| format!("the load generator printed `{line}`"))
}

/// What every sample has, and no error.
pub(super) const FIRST_FIELD: &str = "\"seconds\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_proxy_is_watched_at_handshakes() {
        let both = [(End::Client, 10), (End::Server, 20), (End::Server, 21)];
        let both = both.map(|(end, pid)| ProxyProcess { end, pid });
        assert_eq!(watched(Work::PingPong { connections: 1 }, &both), [10, 20, 21]);
        assert_eq!(watched(Work::Handshake { parallel: 16 }, &both), [20, 21]);
        assert_eq!(watched(Work::Connect { parallel: 16 }, &[]), [0; 0]);
    }

    #[test]
    fn a_sample_is_the_line_that_has_figures() {
        let line = r#"{"seconds":1.0,"operations":5,"bytes":0,"failures":0,"first_failure":null,"watched":[],"own":0.1,"machine":0.5,"steal":0.0,"latency":null}"#;
        assert_eq!(read_sample(&format!("a word before\n{line}\n")).unwrap().operations, 5);
        assert_eq!(read_sample("").unwrap_err().to_string(), "the load generator printed no sample");
        assert!(read_sample("{\"seconds\":1}").unwrap_err().to_string().starts_with("the load generator printed `{"));
    }
}
